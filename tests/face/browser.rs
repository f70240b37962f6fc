//! HTML reports in a real browser: what it lays out is what was computed. Skipped where there is none.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use convproof::check::check;
use convproof::report::html;
use convproof::source::Source;
use serde_json::Value;

use crate::pages::Nothing;

const SPEC: &str = "\"\"\"\n# <script>alert(1)</script>\n\"\"\"\nkernel K = [1 0 -2.5; 1/3 10 -10; 123456789/1000 2 3]\n\
    prove \"numbers\": K == K\nkernel A[3,3]\nkernel B[3,3]\n\
    refute \"border\": conv(A, padding=1) -> conv(B, padding=1) == conv(A * B, padding=2)\n\
    prove \"wide\": conv(A) -> conv(B) -> avgpool(2) == conv(B) -> conv(A) -> avgpool(2)\n\
    kernel R[1,7]\nkernel C[7,1]\nprove \"symbols\": C * R == C * R\n";

/// A browser that can be driven from the command line.
fn browser() -> Option<String> {
    let names = std::env::var("CONVPROOF_BROWSER").map_or_else(
        |_| ["chromium", "chromium-browser", "google-chrome", "chrome"].map(str::to_owned).to_vec(),
        |name| vec![name],
    );
    let found = names.into_iter().find(|name| {
        let version =
            Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    });
    assert!(
        found.is_some() || std::env::var("CONVPROOF_BROWSER").is_err(),
        "the browser that is named does not run"
    );
    found
}

/// The document that a browser made of a page, as text; ended if that takes a minute.
fn laid_out(browser: &str, page: &Path, width: u32) -> String {
    let folder = page.parent().expect("a folder");
    let output = folder.join("document.html");
    let mut child = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--window-size={width},900"))
        .arg(format!("file://{}", page.display()))
        .stdout(fs::File::create(&output).expect("a file"))
        .stderr(Stdio::null())
        .spawn()
        .expect("a browser");
    for _ in 0..600 {
        if child.try_wait().expect("a child").is_some() {
            return fs::read_to_string(output).expect("a document");
        }
        sleep(Duration::from_millis(100));
    }
    child.kill().expect("a child that can be ended");
    panic!("the browser did not end");
}

#[test]
fn a_browser_shows_the_numbers_in_their_places() {
    let Some(browser) = browser() else {
        // Not by a macro, whose text a test that passes keeps to itself.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: no browser is installed (chromium, or what CONVPROOF_BROWSER names)"
        );
        return;
    };
    let shown = html::render(&[check(&Source::new("a.cf", SPEC), &Nothing, &mut |_| {})]);
    // A report runs no script; the one that measures it comes in without its policy.
    let (before, after) = shown.split_once("<meta http-equiv=\"Content-Security-Policy\"").expect("a policy");
    let (_, after) = after.split_once('>').expect("the end of a tag");
    let script = include_str!("pages.js");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = folder.path().join("page.html");
    fs::write(&page, format!("{before}<script>{script}</script>{after}")).expect("a page");

    // Browsers make no window narrower than the first.
    for width in [500, 1280] {
        let document = laid_out(&browser, &page, width);
        let (_, measured) = document.split_once("<pre id=\"measured\">").expect("measurements");
        let measured = measured.split_once("</pre>").expect("their end").0;
        let measured = measured.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let measured: Value = serde_json::from_str(&measured).expect("JSON");
        assert_eq!(measured["scripts"], 1, "only the one that measures");
        assert_eq!(measured["pageWidth"], measured["windowWidth"], "nothing sticks out at {width}");
        numbers_are_in_place(&measured);
    }
}

#[allow(clippy::float_arithmetic, reason = "places on a screen")]
/// Each number of the kernel stands in its row and column, within its cell, on the colour of its sign.
fn numbers_are_in_place(measured: &Value) {
    let kernel = [["1", "0", "-5/2"], ["1/3", "10", "-10"], ["1.2346e5", "2", "3"]];
    let cells: Vec<&Value> = measured["cells"].as_array().expect("cells").iter().collect();
    let cells: Vec<&&Value> = cells.iter().filter(|cell| cell["title"] == "both sides").take(9).collect();
    assert_eq!(cells.len(), 9);
    let number = |cell: &Value, field: &str| cell[field].as_f64().expect("a number");
    let cell_width = number(cells[1], "x") - number(cells[0], "x");
    for (at, cell) in cells.iter().enumerate() {
        let (row, column) = (at / 3, at % 3);
        let text = kernel[row][column];
        assert_eq!(cell["text"], text);
        let index = |field: &str, size: f64| (number(cell, field) / size).floor();
        assert_eq!((index("y", 24.0), index("x", cell_width)), (row as f64, column as f64), "{cell}");
        assert!(number(cell, "width") < cell_width, "{cell} is wider than {cell_width}");
        let sign = match text {
            "0" => "",
            text if text.starts_with('-') => "m",
            _ => "p",
        };
        let shade = cell["shade"].as_str().expect("a class");
        assert!(shade.starts_with(sign) && shade.is_empty() == sign.is_empty(), "{cell}");
    }
    let fill = |text: &str| cells.iter().find(|cell| cell["text"] == text).expect("a cell")["fill"].clone();
    assert_ne!(fill("10"), fill("-10"), "signs have different colours");
}
