//! `convproof check PATH…`

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use crate::algebra::budget::Cancel;
use crate::load::{Loaded, write_npz};
use crate::report::text::{self, Detail};
use crate::report::{FileReport, Summary, github, html, json, junit, markdown, sarif};

use super::Status;
use super::files::{Spec, collect};
use super::interrupt;
use super::named::{self, Report};
use super::output::Output;
use super::stream::{self, Streamed};
use super::watch::{self, Seen};
use super::workers::Settings;

/// Decide the claims of specs
///
/// Exit status: 0 all claims hold, 1 some claim fails, 2 a spec, the command line or a file is wrong, 130 stopped by
/// Ctrl-C.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Specs, folders of specs (`*.cf`, at any depth), or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// What to write to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Also write a report to a file: .html, .md, .txt, .json, .sarif, or .xml for JUnit; may be repeated
    #[arg(long, value_name = "FILE", value_parser = parse_report)]
    report: Vec<Report<Format>>,

    /// Also write a report for each spec below this folder, and an index of them
    #[arg(long, value_name = "DIR")]
    report_dir: Option<PathBuf>,

    /// What `--report-dir` writes: `html` has pictures; both may be asked for, as in `markdown,html`
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        value_delimiter = ',',
        default_value = "markdown",
        requires = "report_dir"
    )]
    report_format: Vec<PageFormat>,

    /// Write the kernels that `solve` and `fit` find to this file, as arrays of the nearest float64
    #[arg(long, value_name = "FILE.npz", value_parser = parse_out)]
    out: Option<PathBuf>,

    /// Write the files that `export` statements name, beside their specs
    #[arg(long)]
    export: bool,

    /// Decide only claims whose label contains this (or whose statement does, where there is no label)
    #[arg(short = 'k', long = "only", value_name = "LABEL")]
    only: Option<String>,

    /// End at the first claim that fails, or the first mistake
    #[arg(long)]
    fail_fast: bool,

    /// How many threads check specs, or claims of one spec where there are fewer specs; as many as there are processors
    /// if left out. The report is the same for every number
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,

    /// Check again whenever a spec, or a file that it loads, changes
    #[arg(long, conflicts_with_all = ["report", "report_dir"])]
    watch: bool,

    /// Let no claim take longer than so many seconds; it is unknown then
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    timeout: Option<Duration>,

    /// Say how long each claim took
    #[arg(long)]
    timings: bool,

    /// Show failing claims and errors only
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,

    /// Show for every claim how it was decided
    #[arg(long, short)]
    verbose: bool,
}

/// A way to write a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Markdown,
    Html,
    Junit,
    /// Annotations for a workflow of GitHub
    Github,
    /// For code scanners
    Sarif,
}

/// A way to write the reports of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PageFormat {
    Markdown,
    Html,
}

impl PageFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Html => "html",
        }
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or_else(|| "a positive number of seconds".to_owned())
}

fn parse_report(path: &str) -> Result<Report<Format>, String> {
    let endings = [
        ("html", Format::Html),
        ("md", Format::Markdown),
        ("txt", Format::Text),
        ("json", Format::Json),
        ("xml", Format::Junit),
        ("sarif", Format::Sarif),
    ];
    named::report(path, &endings)
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Status {
    let stop = interrupt::flag();
    if arguments.watch {
        return watch::again_and_again(&arguments.paths, &stop, output, |specs, seen, output| {
            once(arguments, specs, &stop, seen, output)
        });
    }
    once(arguments, &collect(&arguments.paths), &stop, &Seen::default(), output)
}

/// Checks the specs and writes the reports.
fn once(arguments: &Arguments, specs: &[Spec], stop: &Cancel, seen: &Seen, output: &mut Output) -> Status {
    let options = arguments.options();
    let stream = (arguments.format == Format::Text).then_some(options);
    let settings = Settings {
        limit: arguments.timeout,
        jobs: arguments.jobs.map(usize::from),
        only: arguments.only.clone(),
        fail_fast: arguments.fail_fast,
        stop: stop.clone(),
        end: Cancel::default(),
    };
    let Streamed { reports, left_out, found, exports } =
        stream::check(specs, &settings, stream, seen, output);
    let summary = Summary::of_all(&reports);
    match arguments.format {
        Format::Text => output.print(&(text::failures(&reports, options) + &text::summary(summary, options))),
        format => output.print(&render(format, &reports, options)),
    }
    if left_out > 0 || reports.len() < specs.len() {
        let (claims, specs) = (left_out, specs.len() - reports.len());
        output.note(format_args!("stopped: {claims} claims and {specs} further specs were left out"));
    }
    if let (Some(part), 0, 0) = (&arguments.only, summary.claims, summary.errors) {
        output.fail(format_args!("no claim has `{part}` in its label"));
    }
    for (path, kernels) in exports.iter().filter(|_| arguments.export) {
        write_kernels(path, kernels, output);
    }
    if let Some(path) = &arguments.out {
        write_kernels(path, &found, output);
    }
    for Report { path, format } in &arguments.report {
        let plain = text::Options { colours: false, ..options };
        write(path, render(*format, &reports, plain), output);
    }
    if let Some(folder) = &arguments.report_dir {
        for &format in &arguments.report_format {
            write_tree(folder, format, &arguments.report_format, (specs, &reports), output);
        }
    }
    if stop.is_cancelled() { Status::Stopped } else { status(summary) }
}

pub(super) fn parse_out(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    let fits = path.extension().is_some_and(|extension| extension == "npz");
    if fits { Ok(path) } else { Err("kernels are written to a file that ends in .npz".to_owned()) }
}

pub(super) fn write_kernels(path: &Path, kernels: &[(String, Loaded)], output: &mut Output) {
    if kernels.is_empty() {
        output.fail(format_args!("{}: there are no kernels to write", path.display()));
    } else {
        write(path, write_npz(kernels), output);
    }
}

fn status(summary: Summary) -> Status {
    match summary {
        Summary { errors: 1.., .. } => Status::Wrong,
        Summary { fail: 1.., .. } => Status::Fails,
        _ => Status::Holds,
    }
}

impl Arguments {
    fn options(&self) -> text::Options {
        let detail = match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Full,
            _ => Detail::Normal,
        };
        text::Options { detail, timings: self.timings, colours: true }
    }
}

pub(super) fn render(format: Format, reports: &[FileReport], options: text::Options) -> String {
    match format {
        Format::Text => text::render(reports, options),
        Format::Json => json::render(reports),
        Format::Markdown => markdown::render(reports),
        Format::Html => html::render(reports),
        Format::Junit => junit::render(reports, options.timings),
        Format::Github => github::render(reports),
        Format::Sarif => sarif::render(reports),
    }
}

/// Writes the report of each spec to the same place below `folder`, and an index.
fn write_tree(
    folder: &Path,
    format: PageFormat,
    all: &[PageFormat],
    (specs, reports): (&[Spec], &[FileReport]),
    output: &mut Output,
) {
    let index_name = format!("index.{}", format.extension());
    let mut pages: BTreeMap<PathBuf, &FileReport> = BTreeMap::new();
    for (spec, report) in specs.iter().zip(reports).filter(|(spec, _)| !spec.relative.as_os_str().is_empty())
    {
        let page = spec.relative.with_extension(format.extension());
        if page.as_os_str() == index_name.as_str() {
            output.fail(format_args!("{}: the report {index_name} is the index of the others", spec.name()));
        } else if let Some(other) = pages.get(&page) {
            let other = other.source.name();
            output.fail(format_args!("{} and {other} have the same report, {}", spec.name(), page.display()));
        } else {
            pages.insert(page, report);
        }
    }
    let mut index: Vec<(String, &FileReport)> = Vec::new();
    for (page, report) in pages {
        let path = folder.join(&page);
        let parent = path.parent().unwrap_or(folder);
        if let Err(error) = fs::create_dir_all(parent) {
            return output.fail(format_args!("{}: {error}", parent.display()));
        }
        let text = match format {
            PageFormat::Html => html::render(std::slice::from_ref(report)),
            PageFormat::Markdown => {
                let beside = path.with_extension(PageFormat::Html.extension());
                let beside = beside.file_name().filter(|_| all.contains(&PageFormat::Html));
                markdown::document(report, beside.map(|name| name.to_string_lossy()).as_deref())
            }
        };
        write_page(&path, &text, output);
        let names: Vec<_> = page.iter().map(|name| name.to_string_lossy()).collect();
        index.push((names.join("/"), report));
    }
    let text = match format {
        PageFormat::Html => html::index("Checked specs", &index),
        PageFormat::Markdown => markdown::index("Checked specs", &index),
    };
    write_page(&folder.join(index_name), &text, output);
}

/// Writes a page of a report folder, which may take the place of an earlier one only.
fn write_page(path: &Path, text: &str, output: &mut Output) {
    if fs::symlink_metadata(path).is_ok() && !is_own(path) {
        return output.fail(format_args!(
            "{}: this file is not a report that convproof wrote into a folder; move it, or choose another folder",
            path.display()
        ));
    }
    write(path, format!("{text}\n{}", markdown::MARK), output);
}

/// Whether a file ends as pages of a report folder do.
fn is_own(path: &Path) -> bool {
    let regular = fs::metadata(path).is_ok_and(|found| found.is_file());
    regular && fs::read(path).is_ok_and(|text| text.ends_with(markdown::MARK.as_bytes()))
}

fn write(path: &Path, text: impl AsRef<[u8]>, output: &mut Output) {
    if let Err(error) = super::write::write(path, text) {
        output.fail(format_args!("{}: {error}", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_win_over_failures() {
        let of = |claims, fail, errors| status(Summary { claims, fail, errors, ..Summary::default() });
        assert_eq!(of(3, 0, 0), Status::Holds);
        assert_eq!(of(3, 1, 0), Status::Fails);
        assert_eq!(of(3, 1, 1), Status::Wrong);
        assert_eq!(of(0, 0, 1), Status::Wrong);
    }
}
