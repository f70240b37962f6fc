//! `convproof factor KERNEL`: the answers of `solve` and `fit` without writing a spec.
//!
//! It writes the spec itself: the kernel's declaration, one `solve`, and where that fails one `fit`. Where no sizes are
//! given they are those of the irreducible factors, or of two halves where there is only one.

mod given;

use std::path::PathBuf;

use crate::check::check_for;
use crate::factor::exact;
use crate::kernel::ConcreteKernel;
use crate::load::Loaded;
use crate::report::FileReport;
use crate::report::text::{self, Detail};
use crate::source::Source;

use super::Status;
use super::check::{Format, parse_out, render, write_kernels};
use super::output::Output;
use super::workers::array;
use given::{Given, given};

/// Factor a kernel exactly, or fit the nearest factors
///
/// Exit status: 0 exact factors were found, 1 there are none (the nearest ones follow), 2 something is wrong.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A literal such as `[1 2 1; 2 4 2; 1 2 1]`, a file `w.npy`, `w.npz:name` or `w.safetensors:name`, or a
    /// kernel of a spec as `spec.cf:NAME`
    kernel: String,

    /// The factors' sizes, rows first, as in `3x3,3x3` or `5x1,1x5`; those of the irreducible factors if left out
    #[arg(long, value_name = "SIZES", value_parser = parse_sizes)]
    into: Option<Sizes>,

    /// A sum of so many products column × row instead of one product
    #[arg(long, value_name = "R", conflicts_with = "into", value_parser = clap::value_parser!(u8).range(1..=16))]
    rank: Option<u8>,

    /// What to write to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Write the factors to this file, as arrays of the nearest float64
    #[arg(long, value_name = "FILE.npz", value_parser = parse_out)]
    out: Option<PathBuf>,
}

type Size = (usize, usize);

/// Sizes of factors.
#[derive(Clone, Debug)]
struct Sizes(Vec<Size>);

fn parse_sizes(text: &str) -> Result<Sizes, String> {
    let one = |size: &str| {
        let (rows, columns) = size.trim().split_once(['x', '×'])?;
        Some((rows.trim().parse().ok()?, columns.trim().parse().ok()?))
    };
    let sizes = text.split(',').map(one).collect::<Option<Vec<_>>>();
    sizes.map(Sizes).ok_or_else(|| "sizes are written as in 3x3,3x3".to_owned())
}

/// What the spec asks for.
struct Question {
    /// The unknown kernels.
    unknowns: Vec<(String, Size)>,
    /// What is made of them.
    left: String,
    /// Whether exact factors are looked for first; a sum of column × row is fitted, and exact if it can be.
    exact: bool,
}

impl Question {
    fn product(sizes: &[Size]) -> Self {
        let names: Vec<String> = (1..=sizes.len()).map(|n| format!("Factor{n}")).collect();
        let left = names.join(" * ");
        Self { unknowns: names.into_iter().zip(sizes.iter().copied()).collect(), left, exact: true }
    }

    fn sum(rank: u8, (height, width): Size) -> Self {
        let pair = |n| [(format!("Column{n}"), (height, 1)), (format!("Row{n}"), (1, width))];
        let terms: Vec<String> = (1..=rank).map(|n| format!("Column{n} * Row{n}")).collect();
        Self { unknowns: (1..=rank).flat_map(pair).collect(), left: terms.join(" + "), exact: false }
    }

    fn statement(&self, solve: bool, name: &str) -> String {
        let unknowns: Vec<String> =
            self.unknowns.iter().map(|(name, (h, w))| format!("{name}[{h},{w}]")).collect();
        let (unknowns, left) = (unknowns.join(", "), &self.left);
        if solve {
            format!("solve \"exact factors\": {unknowns}: {left} == {name}")
        } else {
            format!("fit \"nearest factors\": {unknowns}: {left} ~ {name}")
        }
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Status {
    match answer(arguments) {
        Ok((report, factors)) => {
            let options = text::Options { detail: Detail::Full, timings: false, colours: true };
            let status = status(&report);
            match arguments.format {
                Format::Text => output.print(&text::file(&report, options)),
                format => output.print(&render(format, &[report], options)),
            }
            if let Some(path) = &arguments.out {
                write_kernels(path, &factors, output);
            }
            status
        }
        Err(message) => {
            output.fail(message);
            Status::Wrong
        }
    }
}

/// Exact factors are what was asked for.
fn status(report: &FileReport) -> Status {
    if !report.errors.is_empty() {
        Status::Wrong
    } else if report.claims().last().is_some_and(|claim| claim.outcome.is_exact()) {
        Status::Holds
    } else {
        Status::Fails
    }
}

/// Factors by name.
type Factors = Vec<(String, Loaded)>;

/// The report, and the factors.
fn answer(arguments: &Arguments) -> Result<(FileReport, Factors), String> {
    let Given { declaration, name, files } = given(&arguments.kernel)?;
    let ask = |statement: &str, names: &[&str]| {
        let source = Source::new(arguments.kernel.clone(), format!("{declaration}\n{statement}\n"));
        check_for(&source, &files, names)
    };
    let (report, found) = ask("", &[&name]);
    if !report.errors.is_empty() {
        return Ok((report, Vec::new()));
    }
    let kernel = found.into_iter().flatten().next().ok_or_else(|| format!("`{name}` is not a kernel"))?;
    let size = (kernel.shape().height, kernel.shape().width);
    let question = match (&arguments.into, arguments.rank) {
        (Some(sizes), _) => Question::product(&sizes.0),
        (None, Some(rank)) => Question::sum(rank, size),
        (None, None) => Question::product(&sizes(kernel.as_concrete(), size)?),
    };
    let names: Vec<&str> = question.unknowns.iter().map(|(name, _)| name.as_str()).collect();
    let (mut report, mut found) = ask(&question.statement(question.exact, &name), &names);
    if question.exact && report.errors.is_empty() && !report.claims().all(|claim| claim.holds) {
        let nearest = ask(&question.statement(false, &name), &names);
        found = nearest.1;
        report.entries.extend(nearest.0.entries.into_iter().skip(1));
        report.errors = nearest.0.errors;
    }
    let values = found.iter().map(|kernel| Some(array(kernel.as_ref()?.as_concrete()?)));
    let values = values.collect::<Option<Vec<_>>>().unwrap_or_default();
    Ok((report, names.into_iter().map(str::to_owned).zip(values).collect()))
}

/// The sizes of the irreducible factors; of two halves if there is one, or they are not found.
fn sizes(kernel: Option<&ConcreteKernel>, (height, width): Size) -> Result<Vec<Size>, String> {
    let found = kernel
        .filter(|kernel| kernel.shape().is_plane())
        .and_then(|kernel| exact::factor(&crate::kernel::deconvolve::integers(kernel)).ok());
    let mut sizes = Vec::new();
    if let Some(found) = found {
        let shifts = [((2, 1), found.x_power), ((1, 2), found.y_power)];
        let factors = found.factors.iter().map(|(factor, times)| ((factor.height(), factor.width()), *times));
        for (size, times) in factors.chain(shifts) {
            sizes.extend(std::iter::repeat_n(size, times));
        }
        // What is missing are zero borders at the bottom and on the right.
        let reach = |extent: fn(&Size) -> usize| sizes.iter().map(|size| extent(size) - 1).sum::<usize>() + 1;
        let (rows, columns) = (height - reach(|size| size.0), width - reach(|size| size.1));
        if rows + columns > 0 {
            sizes.push((rows + 1, columns + 1));
        }
    }
    if sizes.len() >= 2 {
        return Ok(sizes);
    }
    match (height, width) {
        (1, 1 | 2) | (2, 1) => Err("a kernel of one or two entries has no smaller factors".to_owned()),
        (2, 2) => Ok(vec![(2, 1), (1, 2)]),
        _ => Ok(vec![(height - height / 2, width - width / 2), (height / 2 + 1, width / 2 + 1)]),
    }
}
