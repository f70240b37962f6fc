//! Files: arrays, and specs with the files beside them.

use std::path::Path;

use super::{ModelError, Rational};
use crate::check::{Files, check};
use crate::folder::{self, Folder};
use crate::report::text::{self, Detail};
use crate::room::on_large_stack;
use crate::source::Source;

/// Extents and values of an array in a file.
pub(super) fn array(path: &Path, entry: Option<&str>) -> Result<(Vec<usize>, Vec<Rational>), ModelError> {
    let name = path.display().to_string();
    let failed = |reason: String| ModelError::File { path: name.clone(), reason };
    let bytes = Folder::of(path).read(path.file_name().and_then(|name| name.to_str()).unwrap_or_default());
    let loaded = crate::load::load(&bytes.map_err(failed)?, &name, entry);
    let loaded = loaded.map_err(|error| failed(error.to_string()))?;
    Ok((loaded.dims, loaded.values.iter().collect()))
}

/// Checks a spec; the words of its report where some claim fails, something is wrong, or nothing is claimed.
pub(super) fn spec(path: &Path) -> Result<(), String> {
    let name = path.display().to_string();
    let text = folder::spec(folder::open(path)).map_err(|error| format!("{name}: {}", error.message))?;
    let source = Source::new(name.as_str(), text);
    let report = on_large_stack(|| check(&source, &Folder::of(path), &mut |_| {}));
    if report.errors.is_empty() && report.claims().next().is_none() {
        return Err(format!("{name} makes no claim"));
    }
    if report.errors.is_empty() && report.claims().all(|claim| claim.holds) {
        return Ok(());
    }
    Err(text::file(&report, text::Options { detail: Detail::Quiet, ..text::Options::default() }))
}
