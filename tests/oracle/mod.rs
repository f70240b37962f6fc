//! Runs the Python scripts of this folder in an environment of their own, `target/oracle-venv`.

use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGES: [&str; 3] = ["numpy==2.4.6", "onnx==1.23.2", "safetensors==0.8.0"];

/// What a script prints; `None`, with a message, where Python or the packages cannot be had, which is a failure
/// if `CONVPROOF_REQUIRE_ORACLES` is set.
pub(crate) fn output(script: &str, arguments: &[&Path]) -> Option<Vec<u8>> {
    let python = match python() {
        Ok(python) => python,
        Err(reason) => {
            assert!(std::env::var_os("CONVPROOF_REQUIRE_ORACLES").is_none(), "no oracle: {reason}");
            eprintln!("SKIPPED: {PACKAGES:?} cannot be installed: {reason}");
            return None;
        }
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(script);
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// The Python of an environment that has the packages, made on first use.
fn python() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/oracle-venv");
    let python = folder.join("bin/python");
    let run = |command: &mut Command| match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    };
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&python).args(install).args(PACKAGES))?;
    Ok(python)
}
