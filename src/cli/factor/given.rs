//! The kernel that `factor` is asked about: a literal, an array in a file, or a kernel of a spec, as the statements that
//! declare it.

use std::path::{Path, PathBuf};

use crate::check::Files;
use crate::cli::files::{Spec, collect};
use crate::folder::Folder;
use crate::syntax::ast::{Expr, ExprKind, Item, StatementKind};
use crate::syntax::{parse, print_expression, print_statement};

/// A kernel as the command line names it.
pub(super) struct Given {
    /// The statements that declare it.
    pub(super) declaration: String,
    /// Its name in them.
    pub(super) name: String,
    /// Where their files are.
    pub(super) files: Beside,
}

/// Reads files relative to one folder.
pub(super) struct Beside(Option<Folder>);

impl Files for Beside {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.as_ref().map_or_else(|| Err(format!("{path}: no files here")), |folder| folder.read(path))
    }
}

/// What an argument says: a literal, an array in a file, or a kernel of a spec.
pub(super) fn given(kernel: &str) -> Result<Given, String> {
    let (path, entry) = match kernel.rsplit_once(':') {
        Some((path, entry)) if !kernel.trim_start().starts_with('[') => (path, Some(entry)),
        _ => (kernel, None),
    };
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match (extension, entry) {
        ("npy" | "npz" | "safetensors", _) => {
            let file = PathBuf::from(path);
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let file_entry = entry.map_or_else(String::new, |entry| format!(", {}", quoted(entry)));
            let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let title = title(entry.unwrap_or(stem));
            let folder = collect(&[file]).first().map(Spec::folder);
            declared(title, &format!("load({}{file_entry})", quoted(&name)), Beside(folder))
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
                        StatementKind::Prove(_)
                            | StatementKind::Refute(_)
                            | StatementKind::Chain(_)
                            | StatementKind::Export { .. }
                    )
                })
                .map(print_statement)
                .collect();
            let ExprKind::Name(name) = expression(name)?.kind else {
                return Err(format!("`{name}` is not the name of a kernel"));
            };
            Ok(Given { declaration: declarations.join("\n"), name, files: Beside(Some(spec.folder())) })
        }
        _ => declared("Given".to_owned(), kernel, Beside(None)),
    }
}

/// The declaration of a kernel given by an expression.
fn declared(name: String, kernel: &str, files: Beside) -> Result<Given, String> {
    let kernel = print_expression(&expression(kernel)?);
    Ok(Given { declaration: format!("kernel {name} = {kernel}"), name, files })
}

/// A kernel's name after what it is called in a file: letters, digits and `_`, a capital first.
fn title(text: &str) -> String {
    let mut name: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    name.truncate(40);
    match name.get_mut(..1) {
        Some(first) if first.bytes().all(|b| b.is_ascii_alphabetic()) => first.make_ascii_uppercase(),
        _ => name.insert_str(0, "Kernel"),
    }
    if name.starts_with("Factor") { format!("Given{name}") } else { name }
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
