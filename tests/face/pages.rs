//! HTML reports: their pictures show the numbers that were computed, and foreign text stays text.

use std::fs;

use assert_cmd::Command;
use convproof::check::{Files, check};
use convproof::report::{FileReport, html, text};
use convproof::source::Source;

pub(crate) struct Nothing;

impl Files for Nothing {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no file {path}"))
    }
}

fn report(text: &str) -> FileReport {
    check(&Source::new("a.cf", text), &Nothing, &mut |_| {})
}

fn page(text: &str) -> String {
    html::render(&[report(text)])
}

/// What stands between two texts, at each place.
fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(move |rest| rest.split_once(end).map(|(inside, _)| inside))
}

/// The picture under a title.
fn picture<'a>(page: &'a str, title: &'a str) -> &'a str {
    let start = page.find(&format!("<figcaption>{title}</figcaption>")).expect("a picture of this title");
    page[start..].split_once("</svg>").expect("an end").0
}

/// The numbers of a matrix's picture, row by row.
fn numbers(picture: &str) -> Vec<Vec<String>> {
    let cell = |text: &str| text.rsplit('>').next().unwrap_or_default().to_owned();
    between(picture, "<text ", "</text>")
        .map(|row| between(row, "<tspan", "</tspan>").map(cell).collect())
        .collect()
}

/// The colours of a matrix's cells as class names, for cells of one width; empty where there is none.
fn colours(picture: &str, width: usize, height: usize) -> Vec<Vec<String>> {
    let mut found = vec![vec![String::new(); width]; height];
    for path in between(picture, "<path ", "</path>") {
        let class = between(path, "class=\"", "\"").next().expect("a class");
        if !class.ends_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        for cell in between(path, "M", "z") {
            let numbers: Vec<usize> =
                cell.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
            // Where it begins, and how wide and high it is.
            let [x, y, w, h, _] = numbers[..] else { panic!("{cell}") };
            class.clone_into(&mut found[y / h][x / w]);
        }
    }
    found
}

#[test]
fn the_picture_of_a_kernel_has_its_numbers_and_signs() {
    let shown = page("kernel K = [1 0 -2.5; 1/3 10 -10]\nprove K == K");
    let picture = picture(&shown, "both sides");
    assert_eq!(numbers(picture), [["1", "0", "-5/2"], ["1/3", "10", "-10"]]);
    assert_eq!(colours(picture, 3, 2), [["p1", "", "m3"], ["p1", "p10", "m10"]]);
}

#[test]
fn a_long_number_is_a_decimal_with_the_whole_beside_it() {
    let shown = page("kernel K = [123456789/1000000007]\nprove K == K");
    let picture = picture(&shown, "both sides");
    assert!(picture.contains("<title>123456789/1000000007</title>0.12346<"), "{picture}");
}

#[test]
fn a_counterexample_shows_the_input_and_both_outputs() {
    let shown = page("kernel A = [1 2]\nkernel B = [1 3]\nrefute conv(A) == conv(B)");
    assert_eq!(numbers(picture(&shown, "input")), [["0", "1"]]);
    assert_eq!(numbers(picture(&shown, "left output")), [["2"]]);
    assert_eq!(numbers(picture(&shown, "right output")), [["3"]]);
    // One scale for both: 2 is two thirds of 3.
    assert_eq!(colours(picture(&shown, "left output"), 1, 1), [["p7"]]);
    assert!(picture(&shown, "left output").contains("class=\"differs\""));
}

#[test]
fn what_is_too_large_for_numbers_is_coloured_only() {
    let text = "kernel A = [1]\nrefute conv(A) == conv(2 * A) on [20,30]";
    let shown = page(text);
    let input = picture(&shown, "input");
    assert!(numbers(input).is_empty(), "{input}");
    let cells = colours(input, 30, 20);
    assert_eq!(cells.concat().iter().filter(|class| *class == "p10").count(), 1);
    let words = text::render(&[report(text)], text::Options::default());
    assert!(words.contains("1 of 600 outputs differ") && !words.contains("left output"), "{words}");
}

#[test]
fn a_border_that_differs_is_a_ring() {
    let shown = page(
        "kernel A[3,3]\nkernel B[3,3]\nrefute conv(A, padding=1) -> conv(B, padding=1) == conv(A * B, padding=2)",
    );
    let ring = picture(&shown, "a large output: exactly the filled positions differ");
    // The outermost positions of 7×7.
    let filled = between(ring, "class=\"wrong\" d=\"", "\"").next().expect("a path");
    assert_eq!(filled.matches('z').count(), 24, "{filled}");
}

#[test]
fn a_fit_shows_its_residual_and_how_near_it_is() {
    let shown = page("kernel D = [1 0; 0 1]\nfit P[2,1], Q[1,2]: P * Q ~ D");
    assert_eq!(numbers(picture(&shown, "residual")).len(), 2);
    assert!(shown.contains("class=\"bound\" y=\"32\" width=\"180\""), "{shown}");
}

/// Text that would break out of where it stands.
const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "</style></title></section></main><h1>x",
    "\u{201c} ' onmouseover=alert(1) x='",
    "<img src=//x onerror=alert(1)>",
    "<!-- ]]> -->",
    "\u{202e}reversed\u{2066}\u{200f}\u{61c}",
    "\u{1b}[31m\u{9b}0m\u{7f}",
];

/// Tags of a page in order, without their attributes.
fn tags(page: &str) -> Vec<String> {
    between(page, "<", ">")
        .map(|tag| tag.split(|c: char| c.is_whitespace()).next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn foreign_text_is_text_wherever_it_stands() {
    let written = |text: &str| {
        format!(
            "\"\"\"\n# {text}\n\n{text} `{text}` [y](x.md \"x\")\n\n```\n{text}\n```\n\"\"\"\n\
             kernel A = [1]\n# {text}\nprove \"{text} `{text}`\": A == A\nrefute \"{text}\": conv(A) == conv(2 * A)\n\
             kernel B = load(\"{text}\")\nfit \"{text}\": P[1,1]: P ~ A\n"
        )
    };
    let plain = tags(&page(&written("plain words")));
    for hostile in HOSTILE {
        let mut report = report(&written(hostile));
        report.source = Source::new(hostile, report.source.text());
        let shown = html::render(&[report]);
        // No tag comes and none goes.
        assert_eq!(tags(&shown), plain, "{hostile}");
        let steering = |c: char| {
            c != '\n'
                && (c.is_control()
                    || ('\u{202a}'..='\u{202e}').contains(&c)
                    || ('\u{2066}'..='\u{2069}').contains(&c)
                    || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}'))
        };
        assert_eq!(shown.chars().find(|&c| steering(c)), None, "{hostile}");
    }
}

#[test]
fn a_page_needs_nothing_but_itself() {
    let shown = page(
        "\"\"\"\n# T\n\n![x](https://example.org/x.png) [y](javascript:alert(1))\n\"\"\"\nkernel A[1,1]\nprove conv(A) == conv(A)",
    );
    for outside in
        ["<script", "<img", "<link", "src=", "@import", "url(", "javascript:", "<iframe", "<object"]
    {
        assert!(!shown.contains(outside), "{outside}");
    }
    assert!(shown.contains("default-src &#39;none&#39;") || shown.contains("default-src 'none'"));
}

/// Every link of the table of contents leads to a place, and every place is there once.
#[test]
fn the_contents_lead_to_every_claim() {
    let text = "\"\"\"\n# Twice\n\n## Twice\n\"\"\"\nkernel A = [1]\nprove \"twice\": A == A\nprove \"twice\": A == A\nprove A == A\nkernel B = [";
    let shown = page(text);
    let places: Vec<&str> = between(&shown, " id=\"", "\"").collect();
    let links: Vec<&str> = between(&shown, "href=\"#", "\"").collect();
    assert!(places.len() >= 6, "{places:?}");
    for place in &places {
        assert!(links.contains(place), "{place}: {links:?}");
        assert_eq!(places.iter().filter(|other| other == &place).count(), 1, "{place}");
    }
    assert!(places.contains(&"twice") && places.contains(&"twice-2"), "{places:?}");
}

#[test]
fn the_command_line_writes_pages() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    fs::create_dir(root.join("specs")).expect("a folder");
    fs::write(root.join("specs/one.cf"), "\"\"\"\n# One\n\"\"\"\nkernel A[3,3]\nprove conv(A) == conv(A)\n")
        .expect("a spec");
    let run = |arguments: &[&str]| {
        Command::new(assert_cmd::cargo::cargo_bin!("convproof"))
            .args(arguments)
            .current_dir(root)
            .assert()
            .success()
    };
    run(&["check", "specs", "--report", "all.html"]);
    assert!(fs::read_to_string(root.join("all.html")).expect("a page").starts_with("<!DOCTYPE html>"));
    // Twice, as its own pages may be replaced.
    for _ in 0..2 {
        run(&["check", "specs", "--report-dir", "out", "--report-format", "markdown,html"]);
    }
    let read = |name: &str| fs::read_to_string(root.join("out").join(name)).expect("a file");
    assert!(read("index.html").contains("<a href=\"one.html\">One</a>"), "{}", read("index.html"));
    assert!(read("one.md").contains("[with pictures](<one.html>)"));
    assert!(read("index.md").contains("(<one.md>)") && read("one.html").contains("</html>"));
    run(&["check", "specs", "--report-dir", "plain"]);
    assert!(!root.join("plain/index.html").exists());
}
