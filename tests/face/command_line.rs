//! The program as its users call it: arguments, streams, files and exit status.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A spec without claims is right whatever the engine can do.
const FINE: &str = "kernel A[3,3]\n";
const WRONG: &str = "kernle A[3,3]\n";

pub(super) fn convproof() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("convproof"));
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the program in a folder; gives status, standard output and standard error.
pub(super) fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    finish(convproof().current_dir(folder).args(arguments).output().unwrap())
}

fn finish(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn with_input(folder: &Path, arguments: &[&str], input: &[u8]) -> (i32, String, String) {
    let path = folder.join("input");
    fs::write(&path, input).unwrap();
    let input = fs::File::open(path).unwrap();
    finish(convproof().current_dir(folder).args(arguments).stdin(input).output().unwrap())
}

pub(super) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

pub(super) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn paths(report: &Value) -> Vec<&str> {
    report["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect()
}

#[test]
fn a_fine_spec_has_status_zero() {
    let folder = folder(&[("a.cf", FINE.as_bytes())]);
    let (status, stdout, stderr) = run(folder.path(), &["check", "a.cf"]);
    assert_eq!(
        (status, stdout.as_str(), stderr.as_str()),
        (0, "a.cf\n\n0 claims: nothing was decided\n", "")
    );
}

#[test]
fn folders_are_walked_in_order() {
    let fine = FINE.as_bytes();
    let names = ["s/b.cf", "s/a/z.cf", "s/a.cf", "s/c/d/e.cf", "s/notes.md"];
    let folder = folder(&names.map(|name| (name, fine)));
    let (status, stdout, _) = run(folder.path(), &["check", "--format", "json", "s/c", "s", "s/b.cf"]);
    assert_eq!(status, 0);
    assert_eq!(paths(&json(&stdout)), ["s/c/d/e.cf", "s/a/z.cf", "s/a.cf", "s/b.cf"]);
}

#[test]
fn standard_input_is_a_spec() {
    let folder = folder(&[]);
    let (status, stdout, _) = with_input(folder.path(), &["check", "--format", "json", "-"], FINE.as_bytes());
    assert_eq!((status, paths(&json(&stdout))), (0, vec!["<stdin>"]));
}

#[test]
fn wrong_files_do_not_hide_the_others() {
    let large = vec![b'#'; (16 << 20) + 1];
    let folder = folder(&[
        ("1-latin.cf", b"# caf\xe9\n"),
        ("2-large.cf", &large),
        ("3-empty/notes.md", b""),
        ("5-fine.cf", FINE.as_bytes()),
    ]);
    let names = ["1-latin.cf", "2-large.cf", "3-empty", "4-gone.cf", "5-fine.cf"];
    let (status, stdout, stderr) =
        run(folder.path(), &[&["check", "--format", "json"], names.as_slice()].concat());
    let report = json(&stdout);
    assert_eq!((status, stderr.as_str()), (2, ""));
    assert_eq!(paths(&report), names);
    assert_eq!(report["summary"]["errors"], 4);
    let errors: Vec<(&str, &str)> = report["files"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|file| file["errors"].as_array().unwrap())
        .map(|error| {
            assert_eq!((&error["line"], &error["column"]), (&Value::from(1), &Value::from(1)));
            (error["code"].as_str().unwrap(), error["message"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        errors,
        [
            ("E0002", "the spec is not UTF-8: the byte at offset 5 begins no character"),
            ("E0003", "the spec is larger than 16 MiB"),
            ("E0004", "this folder has no specs"),
            ("E0001", "the spec cannot be read: no such file"),
        ]
    );
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_an_error_of_that_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[("s/a.cf", FINE.as_bytes()), ("s/b.cf", FINE.as_bytes())]);
    let locked = folder.path().join("s/a.cf");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // Permissions do not bind everybody: the superuser reads the file all the same.
    let expected = if fs::File::open(&locked).is_ok() { (0, 0) } else { (2, 1) };
    let (status, stdout, _) = run(folder.path(), &["check", "--format", "json", "s"]);
    let report = json(&stdout);
    assert_eq!((status, report["summary"]["errors"].as_u64().unwrap()), expected);
    assert_eq!(paths(&report), ["s/a.cf", "s/b.cf"]);
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_or_back_are_no_trap() {
    use std::os::unix::fs::symlink;
    let folder = folder(&[("s/a.cf", FINE.as_bytes())]);
    symlink("nowhere.cf", folder.path().join("s/b.cf")).unwrap();
    symlink("../s", folder.path().join("s/again")).unwrap();
    let (status, stdout, _) = run(folder.path(), &["check", "--format", "json", "s"]);
    let report = json(&stdout);
    assert_eq!((status, paths(&report)), (2, vec!["s/a.cf", "s/b.cf"]));
    assert_eq!(report["files"][1]["errors"][0]["code"], "E0001");
}

#[test]
fn a_mistake_on_the_command_line_has_status_two() {
    let folder = folder(&[("a.cf", FINE.as_bytes())]);
    let mistakes: [&[&str]; 7] = [
        &[],
        &["check"],
        &["chekc", "a.cf"],
        &["check", "--unknown", "a.cf"],
        &["check", "--format", "yaml", "a.cf"],
        &["check", "--report", "report.pdf", "a.cf"],
        &["check", "--quiet", "--verbose", "a.cf"],
    ];
    for arguments in mistakes {
        let (status, stdout, stderr) = run(folder.path(), arguments);
        assert_eq!((status, stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(!stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(run(folder.path(), &["--help"]).0, 0);
    assert_eq!(run(folder.path(), &["--version"]).0, 0);
}

#[test]
fn reports_go_to_files_by_extension() {
    let folder = folder(&[("a.cf", FINE.as_bytes())]);
    let names = ["r.json", "r.md", "r.xml", "r.txt"];
    let mut arguments = vec!["check", "--color", "always", "a.cf"];
    names.iter().for_each(|name| arguments.extend(["--report", name]));
    let (status, stdout, stderr) = run(folder.path(), &arguments);
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert!(stdout.contains('\u{1b}'));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(json(&read("r.json"))["schema"], 2);
    assert!(read("r.md").starts_with("# a.cf\n"));
    assert!(read("r.xml").starts_with("<?xml version=\"1.0\""));
    assert_eq!(read("r.txt"), "a.cf\n\n0 claims: nothing was decided\n");
    for (format, name) in [("json", "r.json"), ("markdown", "r.md"), ("junit", "r.xml"), ("text", "r.txt")] {
        assert_eq!(run(folder.path(), &["check", "--format", format, "a.cf"]).1, read(name));
    }
}

#[test]
fn a_report_that_cannot_be_written_has_status_two() {
    let folder = folder(&[("a.cf", FINE.as_bytes())]);
    for arguments in [["--report", "no/such/folder.md"], ["--report-dir", "a.cf"]] {
        let (status, _, stderr) = run(folder.path(), &[&["check", "a.cf"], arguments.as_slice()].concat());
        assert_eq!(status, 2);
        assert!(stderr.starts_with("error: "), "{stderr}");
    }
}

#[test]
fn a_report_folder_mirrors_the_specs() {
    let fine = FINE.as_bytes();
    let folder = folder(&[("s/x/a.cf", fine), ("s/b.cf", fine), ("t/b.cf", fine), ("t/index.cf", fine)]);
    let (status, _, stderr) = run(folder.path(), &["check", "s", "--report-dir", "out/proofs"]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    let read = |name: &str| fs::read_to_string(folder.path().join("out/proofs").join(name)).unwrap();
    assert!(read("x/a.md").starts_with("# s/x/a.cf\n"));
    assert!(read("b.md").starts_with("# s/b.cf\n"));
    let index = read("index.md");
    assert!(index.contains("| [x/a.md](<x/a.md>) | 0 | 0 | 0 | 0 |"), "{index}");
    let (status, _, stderr) = run(folder.path(), &["check", "s", "t", "--report-dir", "out/clash"]);
    assert_eq!(status, 2);
    assert_eq!(
        stderr,
        "error: t/b.cf and s/b.cf have the same report, b.md\n\
         error: t/index.cf: the report index.md is the index of the others\n"
    );
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let folder = folder(&[("a.cf", FINE.as_bytes())]);
    let coloured = |arguments: &[&str], no_color: bool| {
        let mut command = convproof();
        if no_color {
            command.env("NO_COLOR", "1");
        }
        finish(command.current_dir(folder.path()).args(arguments).output().unwrap()).1.contains('\u{1b}')
    };
    assert!(!coloured(&["check", "a.cf"], false));
    assert!(coloured(&["check", "a.cf", "--color", "always"], false));
    assert!(coloured(&["--color=always", "check", "a.cf"], true), "an option wins over the environment");
    assert!(!coloured(&["check", "a.cf", "--color", "never"], false));
    let mut forced = convproof();
    forced.env("CLICOLOR_FORCE", "1").current_dir(folder.path()).args(["check", "a.cf"]);
    assert!(finish(forced.output().unwrap()).1.contains('\u{1b}'));
    forced.env("NO_COLOR", "1");
    assert!(!finish(forced.output().unwrap()).1.contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let specs: Vec<String> = (0..2000).map(|n| format!("s/{n:04}.cf")).collect();
    let files: Vec<(&str, &[u8])> = specs.iter().map(|name| (name.as_str(), FINE.as_bytes())).collect();
    let folder = folder(&files);
    for format in ["text", "json"] {
        let arguments = ["check", "s", "--format", format];
        let mut command = convproof();
        command.current_dir(folder.path()).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(finish(child.wait_with_output().unwrap()), (0, String::new(), String::new()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let folder = folder(&[("a.cf", FINE.as_bytes())]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = convproof();
    command.current_dir(folder.path()).args(["check", "a.cf"]).stdout(full);
    let (status, _, stderr) = finish(command.output().unwrap());
    assert_eq!(status, 2);
    assert!(stderr.starts_with("error: standard output: "), "{stderr}");
}

#[test]
fn fmt_rewrites_what_is_not_canonical() {
    let folder = folder(&[("s/a.cf", b"kernel   A[3,3]"), ("s/b.cf", FINE.as_bytes())]);
    assert_eq!(run(folder.path(), &["fmt", "--check", "s"]), (1, "s/a.cf\n".to_owned(), String::new()));
    assert_eq!(run(folder.path(), &["fmt", "s"]), (0, String::new(), String::new()));
    assert_eq!(fs::read_to_string(folder.path().join("s/a.cf")).unwrap(), FINE);
    assert_eq!(run(folder.path(), &["fmt", "--check", "s"]), (0, String::new(), String::new()));
    let (status, stdout, _) = with_input(folder.path(), &["fmt", "-"], b"kernel   A[3,3]");
    assert_eq!((status, stdout.as_str()), (0, FINE));
}

#[test]
fn fmt_leaves_a_wrong_spec_alone() {
    let folder = folder(&[("a.cf", WRONG.as_bytes()), ("b.cf", b"\xff"), ("c.cf", b"kernel  C[3,3]\n")]);
    let (status, stdout, stderr) = run(folder.path(), &["fmt", "a.cf", "b.cf", "c.cf"]);
    assert_eq!((status, stdout.as_str()), (2, ""));
    assert!(stderr.contains("error[E0107]") && stderr.contains("a.cf:1:1"), "{stderr}");
    assert!(stderr.contains("error[E0002]"), "{stderr}");
    assert_eq!(fs::read_to_string(folder.path().join("a.cf")).unwrap(), WRONG);
    assert_eq!(fs::read_to_string(folder.path().join("c.cf")).unwrap(), "kernel C[3,3]\n");
}

#[test]
fn explain_prints_the_section_of_a_code() {
    let here = Path::new(".");
    for written in ["e0107", "E0107", "107", "0107"] {
        let (status, stdout, _) = run(here, &["explain", written]);
        assert_eq!(status, 0);
        assert!(stdout.starts_with("## E0107 unknown statement\n"), "{stdout}");
    }
    let (status, stdout, stderr) = run(here, &["explain", "E9999"]);
    assert_eq!((status, stdout.as_str()), (2, ""));
    assert!(stderr.contains("`E9999`"), "{stderr}");
    let (status, stdout, _) = run(here, &["explain"]);
    assert_eq!(status, 0);
    assert!(stdout.contains("\nE0107  unknown statement\n"), "{stdout}");
}

#[test]
fn completions_name_the_subcommands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (status, stdout, _) = run(Path::new("."), &["completions", shell]);
        assert_eq!(status, 0);
        assert!(stdout.contains("explain") && stdout.contains("report-dir"), "{shell}");
    }
    assert_eq!(run(Path::new("."), &["completions", "tcsh"]).0, 2);
}

#[test]
fn factor_runs_nothing_that_is_pasted_into_its_argument() {
    let folder = folder(&[("a.cf", b"kernel A = [1 2 1]\n")]);
    let pasted = [
        "[1 2 1]\nprove: id == id",
        "[1 2 1]\n\"\"\"prose\"\"\"",
        "[1 2 1]\nkernel B = [1]",
        "a.cf:A prove: id == id",
        "a.cf:A\nkernel B[3,3]",
        "a.cf:A * A",
        "x\") prove: id == id # .npy",
    ];
    for argument in pasted {
        let (status, out, err) = run(folder.path(), &["factor", argument, "--into", "1x2,1x2"]);
        assert_eq!((status, out.as_str()), (2, ""), "{argument}: {err}");
        assert!(!err.is_empty(), "{argument}");
    }
    let (status, ..) = run(folder.path(), &["factor", "a.cf:A", "--into", "1x2,1x2"]);
    assert_eq!(status, 0);
}

#[test]
fn a_report_folder_keeps_what_it_did_not_write() {
    let folder =
        folder(&[("README.cf", FINE.as_bytes()), ("README.md", b"mine"), ("out/index.md", b"mine too")]);
    let (status, _, stderr) = run(folder.path(), &["check", "README.cf", "--report-dir", "."]);
    assert_eq!(status, 2);
    assert!(stderr.starts_with("error: ./README.md: this file is not a report"), "{stderr}");
    let (status, _, _) = run(folder.path(), &["check", "README.cf", "--report-dir", "out"]);
    assert_eq!(status, 2);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!((read("README.md").as_str(), read("out/index.md").as_str()), ("mine", "mine too"));
    // Its own pages it writes anew, page for page.
    fs::remove_file(folder.path().join("out/index.md")).unwrap();
    for _ in 0..2 {
        assert_eq!(run(folder.path(), &["check", "README.cf", "--report-dir", "out"]).0, 0);
    }
    assert!(read("out/README.md").starts_with("# README.cf\n"));
}

#[cfg(unix)]
#[test]
fn pipes_are_no_specs() {
    let folder = folder(&[]);
    let made = Command::new("mkfifo").arg(folder.path().join("x.cf")).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no mkfifo");
        return;
    }
    for command in ["check", "fmt"] {
        let (status, stdout, stderr) = run(folder.path(), &[command, "x.cf"]);
        assert_eq!(status, 2);
        assert!((stdout + &stderr).contains("not a regular file"));
    }
}

#[test]
fn no_control_character_reaches_a_terminal_or_a_report() {
    let text = "\"\"\"\n\u{1b}[31mred \u{202e}prose\n\"\"\"\nprove \"\u{1b}]0;\u{202e}x\u{9b}\": [1] == [2]\nprove \u{1b} \u{202e}\n";
    let folder = folder(&[("a\u{202e}.cf", text.as_bytes())]);
    let name = "a\u{202e}.cf";
    for format in ["text", "json", "markdown", "junit"] {
        let (_, stdout, stderr) = run(folder.path(), &["check", name, "-v", "--format", format]);
        let bad = |c: char| c == '\u{1b}' || c == '\u{9b}' || c == '\u{202e}';
        assert!(!(stdout.clone() + &stderr).contains(bad), "{format}: {stdout:?} {stderr:?}");
        assert!(!stdout.is_empty());
    }
    let (_, stdout, stderr) = run(folder.path(), &["fmt", name]);
    assert!(!(stdout + &stderr).contains('\u{1b}'));
}

#[test]
fn a_timeout_is_a_positive_number_of_seconds() {
    let folder = folder(&[("a.cf", FINE.as_bytes())]);
    assert_eq!(run(folder.path(), &["check", "a.cf", "--timeout", "2.5"]).0, 0);
    for wrong in ["0", "-1", "soon", "1e300"] {
        assert_eq!(run(folder.path(), &["check", "a.cf", &format!("--timeout={wrong}")]).0, 2);
    }
}

/// One header with the name of the file, sizes found, signs where they are expected.
#[test]
fn factor_finds_sizes_itself() {
    let folder = folder(&[("sobel.cf", b"kernel S = [1 0 -1; 2 0 -2; 1 0 -1]\n")]);
    let (status, out, err) = run(folder.path(), &["factor", "sobel.cf:S", "--into", "3x1,1x3"]);
    assert_eq!((status, err.as_str()), (0, ""));
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    assert_eq!(lines[0], "sobel.cf:S");
    for line in ["[1]        [1 0 -1]", "[2]", "[1]"] {
        assert!(lines.iter().any(|found| found.trim() == line), "{out}");
    }
    // (1 + x)² of rows, (1 + y)(1 - y) of columns.
    let (status, out, _) = run(folder.path(), &["factor", "sobel.cf:S"]);
    assert!(status == 0 && out.contains("Factor1[1,2], Factor2[1,2], Factor3[2,1], Factor4[2,1]"), "{out}");
    let (status, out, _) = run(folder.path(), &["factor", "[1 2; 3 5]"]);
    assert!(status == 1 && out.contains("Factor1[2,1], Factor2[1,2]"), "{out}");
    assert_eq!(out.lines().filter(|line| line.starts_with('[')).count(), 1, "one header: {out}");
    let (status, out, _) = run(folder.path(), &["factor", "[3 1 4; 1 5 9; 2 6 5]"]);
    assert!(status == 1 && out.contains("Factor1[2,2], Factor2[2,2]") && out.contains("optimal"), "{out}");
    let (status, out, _) = run(folder.path(), &["factor", "[1 0 0; 0 2 0]"]);
    assert!(status == 0 && out.contains("Factor1[2,2], Factor2[1,2]"), "{out}");
    for small in ["[7]", "[7 1]"] {
        let (status, _, err) = run(folder.path(), &["factor", small]);
        assert!(status == 2 && err.contains("no smaller factors"), "{err}");
    }
}

#[test]
fn factor_fits_sums_and_writes_arrays() {
    let folder = folder(&[]);
    let matrix = "[1 2 3; 4 5 6; 7 8 10]";
    let (status, out, _) = run(folder.path(), &["factor", matrix, "--rank", "2"]);
    assert!(status == 1 && out.contains("Column1 * Row1 + Column2 * Row2"), "{out}");
    let (status, out, _) =
        run(folder.path(), &["factor", matrix, "--rank", "3", "--format", "json", "--out", "f.npz"]);
    assert_eq!(status, 0, "{out}");
    let json = json(&out);
    assert_eq!(json["files"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["files"][0]["claims"][0]["verdict"], "exact");
    let spec = "kernel M = [1 2 3; 4 5 6; 7 8 10]\nkernel C = load(\"f.npz\", \"Column1\")\nkernel R = load(\"f.npz\", \"Row1\")\n\
                prove: error(C * R, M) < 2\n";
    fs::write(folder.path().join("again.cf"), spec).unwrap();
    assert_eq!(run(folder.path(), &["check", "again.cf"]).0, 0);
    let (status, _, err) = run(folder.path(), &["factor", matrix, "--out", "f.txt"]);
    assert!(status == 2 && err.contains(".npz"), "{err}");
    // What a file calls it names the kernel.
    let (status, out, _) = run(folder.path(), &["factor", "f.npz:Row1", "--into", "1x2,1x2"]);
    assert!(status <= 1 && out.starts_with("f.npz:Row1\n") && out.contains("== Row1"), "{out}");
}
