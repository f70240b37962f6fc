//! `convproof factor KERNEL --into 3x3,3x3`: the answers of `solve` and `fit` without writing a spec.
//!
//! It writes the spec itself: the kernel's declaration, one `solve`, and where that fails one `fit`.

use std::path::{Path, PathBuf};

use crate::check::{Files, check};
use crate::report::text::{self, Detail};
use crate::report::{FileReport, json};
use crate::source::Source;
use crate::syntax::ast::{Expr, ExprKind, Item, StatementKind};
use crate::syntax::{parse, print_expression, print_statement};

use super::Status;
use super::files::collect;
use super::output::Output;
use crate::folder::Folder;

/// Factor a kernel exactly, or fit the nearest factors
///
/// Exit status: 0 exact factors were found, 1 there are none (the nearest ones follow), 2 something is wrong.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A literal such as `[1 2 1; 2 4 2; 1 2 1]`, a file `w.npy`, `w.npz:name` or `w.safetensors:name`, or a
    /// kernel of a spec as `spec.cf:NAME`
    kernel: String,

    /// The factors' sizes, rows first, as in `3x3,3x3` or `5x1,1x5`
    #[arg(long, value_name = "SIZES", value_parser = parse_sizes)]
    into: Sizes,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Sizes of factors.
#[derive(Clone, Debug)]
struct Sizes(Vec<(usize, usize)>);

fn parse_sizes(text: &str) -> Result<Sizes, String> {
    let one = |size: &str| {
        let (rows, columns) = size.trim().split_once(['x', '×'])?;
        Some((rows.trim().parse().ok()?, columns.trim().parse().ok()?))
    };
    let sizes = text.split(',').map(one).collect::<Option<Vec<_>>>();
    sizes.map(Sizes).ok_or_else(|| "sizes are written as in 3x3,3x3".to_owned())
}

/// Reads files relative to one folder.
struct Beside(Option<Folder>);

impl Files for Beside {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.as_ref().map_or_else(|| Err(format!("{path}: no files here")), |folder| folder.read(path))
    }
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Status {
    let (declaration, name, files) = match declaration(&arguments.kernel) {
        Ok(found) => found,
        Err(message) => {
            output.fail(message);
            return Status::Wrong;
        }
    };
    let unknowns: Vec<String> =
        arguments.into.0.iter().enumerate().map(|(n, (h, w))| format!("Factor{}[{h},{w}]", n + 1)).collect();
    let product: Vec<String> = (1..=unknowns.len()).map(|n| format!("Factor{n}")).collect();
    let (unknowns, product) = (unknowns.join(", "), product.join(" * "));
    let ask = |statement: String| {
        let source = Source::new(arguments.kernel.clone(), format!("{declaration}\n{statement}\n"));
        check(&source, &files, &mut |_| {})
    };
    let exact = ask(format!("solve \"exact factors\": {unknowns}: {product} == {name}"));
    let holds = |report: &FileReport| report.errors.is_empty() && report.claims().all(|claim| claim.holds);
    let mut reports = vec![exact];
    if reports[0].errors.is_empty() && !holds(&reports[0]) {
        reports.push(ask(format!("fit \"nearest factors\": {unknowns}: {product} ~ {name}")));
    }
    if arguments.json {
        output.print(&json::render(&reports));
    } else {
        let options = text::Options { detail: Detail::Full, timings: false, colours: true };
        reports.iter().for_each(|report| output.print(&text::file(report, options)));
    }
    if reports.iter().any(|report| !report.errors.is_empty()) {
        Status::Wrong
    } else if holds(&reports[0]) {
        Status::Holds
    } else {
        Status::Fails
    }
}

/// The statements that declare a kernel, its name, and where its files are.
fn declaration(kernel: &str) -> Result<(String, String, Beside), String> {
    let (path, entry) = match kernel.rsplit_once(':') {
        Some((path, entry)) if !kernel.trim_start().starts_with('[') => (path, Some(entry)),
        _ => (kernel, None),
    };
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match (extension, entry) {
        ("npy" | "npz" | "safetensors", _) => {
            let file = PathBuf::from(path);
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let entry = entry.map_or_else(String::new, |entry| format!(", {}", quoted(entry)));
            let folder = collect(&[file]).first().map(super::files::Spec::folder);
            given(&format!("load({}{entry})", quoted(&name)), Beside(folder))
        }
        ("cf", Some(name)) => {
            let specs = collect(&[PathBuf::from(path)]);
            let spec = specs.first().ok_or_else(|| format!("{path}: no such spec"))?;
            let source = spec.read().map_err(|report| {
                report.errors.first().map_or_else(String::new, |error| error.message.clone())
            })?;
            let (parsed, errors) = parse(source.text());
            if let Some(error) = errors.first() {
                return Err(format!("{path}: {}", error.diagnostic().message));
            }
            let declarations: Vec<String> = parsed
                .items
                .iter()
                .filter_map(|item| match item {
                    Item::Statement(statement) => Some(statement),
                    Item::Prose(_) => None,
                })
                .filter(|statement| {
                    // What solve and fit bind can be asked for as well.
                    !matches!(
                        statement.kind,
                        StatementKind::Prove(_) | StatementKind::Refute(_) | StatementKind::Chain(_)
                    )
                })
                .map(print_statement)
                .collect();
            let ExprKind::Name(name) = expression(name)?.kind else {
                return Err(format!("`{name}` is not the name of a kernel"));
            };
            Ok((declarations.join("\n"), name, Beside(Some(spec.folder()))))
        }
        _ => given(kernel, Beside(None)),
    }
}

/// The declaration of a kernel given by an expression.
fn given(kernel: &str, files: Beside) -> Result<(String, String, Beside), String> {
    let kernel = print_expression(&expression(kernel)?);
    Ok((format!("kernel Given = {kernel}"), "Given".to_owned(), files))
}

/// The one expression that a text is; nothing else in it, statements least of all, gets into the spec.
fn expression(text: &str) -> Result<Expr, String> {
    let (parsed, errors) = parse(&format!("kernel Given = {text}"));
    if let Some(error) = errors.first() {
        return Err(format!("the kernel: {}", error.diagnostic().message));
    }
    if let [Item::Statement(statement)] = parsed.items.as_slice()
        && let StatementKind::Kernel { value: Some(value), .. } = &statement.kind
    {
        return Ok(value.clone());
    }
    Err("the kernel is not a single expression".to_owned())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
