//! `convproof diff before.onnx after.onnx`

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use convproof_network::decide::diff;
use convproof_network::diff::Options;
use convproof_network::verdict::{Side, Verdict};
use convproof_network::witness::{Input, Witness};

use crate::networks;
use crate::report::html;
use crate::report::networks::{NetworkReport, document, json, junit, text};

use super::named::{self, Report};
use super::output::Output;
use super::{Status, models, progress};

/// Decide whether two ONNX files are the same function
///
/// Exit status: 0 equal, or equal up to rounding; 1 different or unknown; 2 a file or the command line is wrong.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model as it was
    before: PathBuf,

    /// The model after a conversion
    after: PathBuf,

    /// What to write to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Also write a report to a file: .html, .md, .txt, .json, or .xml for JUnit; may be repeated
    #[arg(long, value_name = "FILE", value_parser = parse_report)]
    report: Vec<Report<Format>>,

    /// How far weights may move, relative to the largest of their segment, as in `2^-20` or `1e-6`; by default 2^-20,
    /// and 2^-9 where a file has half precision weights
    #[arg(long, value_name = "R", value_parser = parse_rounding)]
    rounding: Option<f64>,

    /// The size of an input, as in `x=1x3x64x64`, or `1x3x64x64` for the first; may be repeated. Open extents are left
    /// open otherwise
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    size: Vec<Size>,

    /// Write the input that shows a difference; further inputs get their names into the file's
    #[arg(long, value_name = "FILE.npy")]
    counterexample: Option<PathBuf>,

    /// Also list segments that are equal up to rounding
    #[arg(long, short)]
    verbose: bool,
}

/// A way to write the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
    Html,
    Junit,
}

/// The size of an input.
#[derive(Clone, Debug)]
struct Size {
    name: String,
    dims: Vec<i64>,
}

fn parse_rounding(text: &str) -> Result<f64, String> {
    let value = match text.strip_prefix("2^") {
        Some(exponent) => exponent.parse().ok().map(|exponent: i32| 2f64.powi(exponent)),
        None => text.parse().ok(),
    };
    value
        .filter(|value| (0.0..1.0).contains(value))
        .ok_or_else(|| "a number from 0 to 1, as in 2^-20 or 1e-6".to_owned())
}

fn parse_size(text: &str) -> Result<Size, String> {
    let (name, dims) = text.rsplit_once('=').unwrap_or(("", text));
    let dims: Option<Vec<i64>> =
        dims.split('x').map(|dim| dim.parse().ok().filter(|dim| (1..=1 << 24).contains(dim))).collect();
    let dims = dims.ok_or_else(|| "sizes are written as in x=1x3x64x64".to_owned())?;
    Ok(Size { name: name.to_owned(), dims })
}

fn parse_report(path: &str) -> Result<Report<Format>, String> {
    let endings = [
        ("html", Format::Html),
        ("md", Format::Markdown),
        ("txt", Format::Text),
        ("json", Format::Json),
        ("xml", Format::Junit),
    ];
    named::report(path, &endings)
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Status {
    let models =
        models::read(&arguments.before).and_then(|before| Ok((before, models::read(&arguments.after)?)));
    let (before, after) = match models {
        Ok(models) => models,
        Err(message) => {
            output.fail(message);
            return Status::Wrong;
        }
    };
    let sizes: BTreeMap<String, Vec<i64>> =
        arguments.size.iter().map(|size| (size.name.clone(), size.dims.clone())).collect();
    let options = Options { limit: arguments.rounding, sizes };
    let found = {
        let mut tell = teller(output);
        diff(&before, &after, &options, &mut tell)
    };
    let found = match found {
        Ok(found) => found,
        Err((side, error)) => {
            let path = if side == Side::Before { &arguments.before } else { &arguments.after };
            output.fail(format_args!("{}: {error}", path.display()));
            return Status::Wrong;
        }
    };
    let names = [&arguments.before, &arguments.after].map(|path| path.display().to_string());
    let report = networks::report(&names[0], &names[1], &found);
    output.print(&render(arguments.format, &report, arguments.verbose));
    for Report { path, format } in &arguments.report {
        if let Err(error) = super::write::write(path, render(*format, &report, arguments.verbose)) {
            output.fail(format_args!("{}: {error}", path.display()));
        }
    }
    if let (Some(path), Verdict::Different(witness)) = (&arguments.counterexample, &found.verdict) {
        write(path, witness, output);
    }
    if report.holds() { Status::Holds } else { Status::Fails }
}

fn render(format: Format, report: &NetworkReport, verbose: bool) -> String {
    match format {
        Format::Text => text(report, verbose),
        Format::Json => json(report),
        Format::Markdown => document(report),
        Format::Html => html::network(report),
        Format::Junit => junit(report),
    }
}

/// Says on standard error how far a long comparison is, if a person is there to read it.
fn teller(output: &mut Output) -> impl FnMut(usize, usize) {
    let mut last = Instant::now();
    let wanted = progress::wanted();
    move |done, of| {
        if wanted && last.elapsed() >= Duration::from_secs(1) {
            output.note(format_args!("{done} of {of} segments"));
            last = Instant::now();
        }
    }
}

/// Writes the inputs of a witness.
fn write(path: &Path, witness: &Witness, output: &mut Output) {
    for (n, input) in witness.inputs.iter().enumerate() {
        let path =
            if n == 0 { path.to_owned() } else { path.with_extension(format!("{}.npy", plain(&input.name))) };
        if let Err(error) = fs::write(&path, npy(input)) {
            output.fail(format_args!("{}: {error}", path.display()));
        }
    }
}

/// A name without what could be part of a path.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).collect()
}

/// An input in NumPy's format, version 1.
fn npy(input: &Input) -> Vec<u8> {
    let mut shape: String = input.dims.iter().map(|dim| format!("{dim}, ")).collect();
    if shape.len() > 2 && input.dims.len() > 1 {
        shape.truncate(shape.len() - 2);
    }
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    // The whole head is a multiple of 64 bytes, its last one a line break.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(input.values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let input = Input { name: "x".to_owned(), dims: vec![1, 3], values: vec![0.5, -2.0, 7.0] };
        let loaded = convproof_files::load(&npy(&input), "x.npy", None).unwrap();
        assert_eq!(loaded.dims, [1, 3]);
        assert_eq!(loaded.values.get(1), Some((-2).into()));
        let single = Input { name: "x".to_owned(), dims: vec![1], values: vec![0.5] };
        assert_eq!(convproof_files::load(&npy(&single), "x.npy", None).unwrap().dims, [1]);
    }

    #[test]
    fn sizes_and_limits_are_read() {
        assert_eq!(parse_size("a=b=1x3").unwrap().name, "a=b");
        assert!(parse_size("x=1x0").is_err());
        assert_eq!(parse_rounding("2^-3"), Ok(0.125));
        assert!(parse_rounding("2").is_err());
        assert_eq!(plain("a/../b"), "a____b");
    }
}
