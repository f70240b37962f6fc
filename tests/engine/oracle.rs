//! Runs the Python scripts of `tests/oracle` in an environment of their own, `target/oracle-venv`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What a script prints; `None`, with a message, where Python or the packages cannot be had, which is a failure
/// if `CONVPROOF_REQUIRE_ORACLES` is set.
pub(crate) fn output(script: &str, arguments: &[&Path]) -> Option<Vec<u8>> {
    let output = Command::new(interpreter()?).arg(scripts().join(script)).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// The Python that has the packages, as [`output`] says.
pub(crate) fn interpreter() -> Option<&'static Path> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PYTHON.get_or_init(|| python(&scripts())) {
        Ok(python) => Some(python),
        Err(reason) => {
            missing(&format!("tests/oracle/requirements.txt cannot be installed: {reason}"));
            None
        }
    }
}

/// Says that a comparison is skipped, or fails where it must not be.
pub(crate) fn missing(reason: &str) {
    assert!(std::env::var_os("CONVPROOF_REQUIRE_ORACLES").is_none(), "no oracle: {reason}");
    eprintln!("SKIPPED: {reason}");
}

pub(crate) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle")
}

/// The Python of an environment that has the packages, made on first use.
fn python(scripts: &Path) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/oracle-venv");
    let python = folder.join("bin/python");
    let run = |command: &mut Command| match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    };
    // What is installed stays until the list changes; a copy of it says which that was.
    let (wanted, installed) = (scripts.join("requirements.txt"), folder.join("requirements.txt"));
    if std::fs::read(&installed).is_ok_and(|had| std::fs::read(&wanted).is_ok_and(|wanted| had == wanted)) {
        return Ok(python);
    }
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(&python).args(install).arg(&wanted))?;
    std::fs::copy(&wanted, &installed).map_err(|error| error.to_string())?;
    Ok(python)
}
