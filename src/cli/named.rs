//! Reports that are written to files, in the format that the file's name says.

use std::path::PathBuf;

/// A report to be written to a file.
#[derive(Clone, Debug)]
pub(super) struct Report<F> {
    pub(super) path: PathBuf,
    pub(super) format: F,
}

/// The report of this name, in the format of its ending; the endings are told in this order where it has none of them.
pub(super) fn report<F: Copy>(path: &str, endings: &[(&str, F)]) -> Result<Report<F>, String> {
    let path = PathBuf::from(path);
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if let Some(&(_, format)) = endings.iter().find(|(ending, _)| *ending == extension) {
        return Ok(Report { path, format });
    }
    let names: Vec<String> = endings.iter().map(|(ending, _)| format!(".{ending}")).collect();
    let (last, others) = names.split_last().ok_or_else(String::new)?;
    Err(format!("the name of a report ends in {} or {last}", others.join(", ")))
}
