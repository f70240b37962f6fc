//! What a run shows while it goes on, and how it can be narrowed, ended and repeated.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use serde_json::Value;

use super::command_line::{convproof, folder, json, run};

const MIXED: &str = "kernel A[3,3]\n\
     prove \"one is fine\": A == A\n\
     solve \"take apart\": P[1,2], Q[1,2]: P * Q == [1 3 2]\n\
     refute \"two fails\": A == A\n\
     prove \"three is fine\": P * Q == [1 3 2]\n\
     chain \"steps\": A == A + 0*A == A\n\
     prove P == 2*P\n";

fn labels(report: &Value) -> Vec<&str> {
    let files = report["files"].as_array().unwrap().iter();
    files.flat_map(|file| file["claims"].as_array().unwrap()).map(|c| c["label"].as_str().unwrap()).collect()
}

fn checked(arguments: &[&str]) -> (i32, Vec<String>, String) {
    let folder = folder(&[("a.cf", MIXED.as_bytes())]);
    let all = [&["check", "a.cf", "--format", "json"], arguments].concat();
    let (status, stdout, stderr) = run(folder.path(), &all);
    (status, labels(&json(&stdout)).into_iter().map(str::to_owned).collect(), stderr)
}

#[test]
fn claims_are_selected_by_their_labels() {
    assert_eq!(
        checked(&["-k", "is fine"]),
        (0, vec!["one is fine".into(), "three is fine".into()], String::new())
    );
    assert_eq!(checked(&["-k", "step 2"]).1, ["steps step 2"]);
    // Where there is no label the statement counts. `P` is bound although its `solve` is not asked for.
    assert_eq!(checked(&["-k", "P == 2"]), (1, vec!["P == 2 * P".into()], String::new()));
    let (status, found, stderr) = checked(&["-k", "nowhere"]);
    assert_eq!((status, found.len()), (2, 0));
    assert!(stderr.contains("no claim has `nowhere` in its label"), "{stderr}");
}

#[test]
fn a_failure_ends_a_run_that_is_to_fail_fast() {
    let (status, found, stderr) = checked(&["--fail-fast"]);
    assert_eq!(
        (status, found.as_slice()),
        (1, &["one is fine", "take apart", "two fails"].map(str::to_owned)[..])
    );
    assert!(stderr.contains("stopped: 4 claims and 0 further specs were left out"), "{stderr}");
    // The first failure in order of the specs ends it, whatever else is under way.
    let files = [
        ("a.cf", "prove \"a\": 1 == 1\n"),
        ("b.cf", "prove \"b\": 1 == 2\n"),
        ("c.cf", "prove \"c\": 1 == 2\n"),
    ];
    let folder = folder(&files.map(|(name, text)| (name, text.as_bytes())));
    for jobs in ["1", "3"] {
        let all = ["check", ".", "--fail-fast", "--jobs", jobs, "--format", "json"];
        let (status, stdout, _) = run(folder.path(), &all);
        assert_eq!((status, labels(&json(&stdout))), (1, vec!["a", "b"]));
    }
}

#[test]
fn what_fails_is_listed_where_it_may_be_out_of_sight() {
    let folder = folder(&[("a.cf", MIXED.as_bytes()), ("b.cf", b"prove \"b\": X == 1\n")]);
    let (_, stdout, _) = run(folder.path(), &["check", "."]);
    let list = &stdout[stdout.find("What fails:").unwrap()..];
    let expected = "What fails:\n  ./a.cf:4: proved: two fails\n  ./a.cf:7: refuted: P == 2 * P\n  \
                    ./b.cf:1:12: error[E0201]: nothing is called `X`\n\n\
                    7 claims: 5 hold, 2 fail; 1 error\n";
    assert_eq!(list, expected);
    let (_, stdout, _) = run(folder.path(), &["check", "a.cf"]);
    assert!(!stdout.contains("What fails:"), "{stdout}");
}

#[test]
fn annotations_and_scanner_reports_name_places() {
    let folder = folder(&[("a.cf", MIXED.as_bytes()), ("b.cf", b"prove \"b\": X == 1\n")]);
    let (status, stdout, _) = run(folder.path(), &["check", ".", "--format", "github"]);
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!((status, lines.len()), (2, 3));
    assert!(
        lines[0].starts_with("::error file=./a.cf,line=4,title=proved%3A two fails::refute A == A%0A"),
        "{stdout}"
    );
    assert!(
        lines[2].starts_with("::error file=./b.cf,line=1,endLine=1,col=12,endColumn=13,title=E0201::"),
        "{stdout}"
    );
    let (_, stdout, _) = run(folder.path(), &["check", ".", "--format", "sarif"]);
    let results = json(&stdout)["runs"][0]["results"].clone();
    let rules: Vec<&str> =
        results.as_array().unwrap().iter().map(|r| r["ruleId"].as_str().unwrap()).collect();
    assert_eq!(rules, ["claim-not-refuted", "claim-refuted", "E0201"]);
}

#[test]
fn kernels_that_are_found_can_be_had() {
    let other = "solve P[2,1], Q[1,2]: P * Q == [2 4; 3 6]\nfit R[1,2]: R ~ [1/2 1/4] quick\n";
    let folder = folder(&[("a.cf", MIXED.as_bytes()), ("b.cf", other.as_bytes())]);
    let (status, _, stderr) = run(folder.path(), &["check", "a.cf", "b.cf", "--out", "k.npz"]);
    assert_eq!((status, stderr.as_str()), (1, ""));
    let bytes = fs::read(folder.path().join("k.npz")).unwrap();
    let entry = |name: &str| {
        let found = convproof::load::load(&bytes, "k.npz", Some(name)).unwrap();
        (found.dims, found.values.iter().map(|value| value.to_string()).collect::<Vec<_>>().join(" "))
    };
    let product = |a, b| (entry(a).0, entry(b).0);
    assert_eq!(product("P", "Q"), (vec![1, 2], vec![1, 2]));
    assert_eq!(product("b.P", "b.Q"), (vec![2, 1], vec![1, 2]));
    assert_eq!(entry("R"), (vec![1, 2], "1/2 1/4".to_owned()));
    let (status, _, stderr) = run(folder.path(), &["check", "a.cf", "-k", "one is fine", "--out", "k.txt"]);
    assert!(status == 2 && stderr.contains(".npz"), "{stderr}");
}

#[test]
fn exports_are_written_where_asked_for() {
    let text = "kernel G = [1 2 1] / 4\nkernel A[3,3]\nsolve P[1,2], Q[1,2]: P * Q == G\n\
                export G, P \"out/k.npz\"\nexport Q \"out/k.npz\"\nkernel export = [1]\nprove export == [1]\n";
    let wrong = "kernel A[3,3]\nexport A \"a.npz\"\nexport B \"a.npz\"\n";
    let folder = folder(&[("s/a.cf", text.as_bytes()), ("s/out/keep", b""), ("b.cf", wrong.as_bytes())]);
    let path = folder.path().join("s/out/k.npz");
    assert_eq!(run(folder.path(), &["check", "s/a.cf"]).0, 0);
    assert!(!path.exists());
    assert_eq!(run(folder.path(), &["check", "s/a.cf", "--export"]).0, 0);
    let bytes = fs::read(path).unwrap();
    for (name, dims) in [("G", [1, 3]), ("P", [1, 2]), ("Q", [1, 2])] {
        assert_eq!(convproof::load::load(&bytes, "k.npz", Some(name)).unwrap().dims, dims);
    }
    // What has no numbers cannot be written, and a file is not written in part.
    let (status, stdout, _) = run(folder.path(), &["check", "b.cf", "--export", "--format", "json"]);
    let errors = json(&stdout)["files"][0]["errors"].clone();
    let codes: Vec<&str> = errors.as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
    assert_eq!((status, codes), (2, vec!["E0223", "E0201"]));
    assert!(!folder.path().join("a.npz").exists());
}

#[test]
fn how_far_sides_differ_is_said_unasked() {
    let text = "kernel A = [0.1 0.2 0.3]\nkernel B = [0.1000001 0.2 0.3]\n\
                prove \"near\": conv(A) ~= conv(B) within 1/1000\n\
                prove \"far\": conv(A) ~= conv(B) within 1/100000000\n";
    let folder = folder(&[("a.cf", text.as_bytes())]);
    let (_, stdout, _) = run(folder.path(), &["check", "a.cf"]);
    let near = "near  (line 3)\n      the worst output difference over all inputs with |x| <= 1 is exactly 1/10000000";
    assert!(stdout.contains(near), "{stdout}");
    let far = "In decimals: -0.1 on the left, -0.1000001 on the right, a difference of 0.0000001.";
    assert!(stdout.contains(far) || stdout.contains("a difference of 1e-7."), "{stdout}");
}

/// A claim that is decided at once, and many that take long together.
fn long() -> String {
    let rows = "[1 2 3 4 5 6 7; 2 9 1 4 7 7 1; 3 3 1 2 2 8 8; 4 1 7 3 9 2 1; 5 5 1 2 8 8 3; 1 3 4 9 9 2 7; \
                9 9 1 2 3 1 3]";
    let fit = |n| format!("fit P{n}[4,4], Q{n}[4,4]: P{n} * Q{n} ~ {rows} quick with starts=3000\n");
    "prove \"first\": 1 == 1\n".to_owned() + &(0..200).map(fit).collect::<String>()
}

/// A program that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn interrupt(child: &Child) {
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
#[test]
fn verdicts_stream_and_an_interrupt_keeps_them() {
    streams(&["a.cf", "b.cf", "--jobs", "1"], "claims and 1 further specs were left out");
    streams(&["a.cf", "--jobs", "3"], "claims and 0 further specs were left out");
}

#[cfg(unix)]
fn streams(arguments: &[&str], left_out: &str) {
    let folder = folder(&[("a.cf", long().as_bytes()), ("b.cf", b"prove 1 == 1\n")]);
    let mut child = convproof()
        .current_dir(folder.path())
        .arg("check")
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = [String::new(), String::new()];
    for line in &mut first {
        stdout.read_line(line).unwrap();
    }
    assert_eq!(first, ["a.cf\n", "  ✓ proved   first  (line 1)\n"]);
    assert!(child.try_wait().unwrap().is_none(), "all was decided before the first verdict was read");
    interrupt(&child);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{rest}{stderr}");
    // What was under way is left out, not undecided.
    assert!(!rest.contains("unknown") && rest.contains(" claim"), "{rest}");
    assert!(stderr.contains(left_out), "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_watched_spec_is_checked_again_when_it_or_its_data_change() {
    let folder = folder(&[("a.cf", b"prove \"one\": 1 == 1\n")]);
    let child = convproof()
        .current_dir(folder.path())
        .args(["check", "a.cf", "--watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut stdout = BufReader::new(running.0.stdout.take().unwrap());
    let mut until = |wanted: &str| {
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            assert!(stdout.read_line(&mut line).unwrap() > 0, "it ended before {wanted}");
        }
    };
    until("1 claim: 1 holds");
    fs::write(folder.path().join("a.cf"), "prove \"second\": sum(load(\"k.npz\")) == 1\n").unwrap();
    until("cannot load `k.npz`");
    until("1 error");
    fs::write(folder.path().join("k.npz"), b"no archive").unwrap();
    until("damaged");
    interrupt(&running.0);
    assert_eq!(running.0.wait().unwrap().code(), Some(130));
}
