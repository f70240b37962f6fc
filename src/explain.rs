//! What each diagnostic code means, from `docs/diagnostics.md`, which is the only place where it is written.

const DIAGNOSTICS: &str = include_str!("../docs/diagnostics.md");

/// The section of a code in `docs/diagnostics.md`, from its title on, as Markdown; `None` for what is no code.
///
/// ```
/// assert!(convproof::explain::explain("E0118").unwrap().starts_with("## E0118 "));
/// assert_eq!(convproof::explain::explain("E9999"), None);
/// ```
pub fn explain(code: &str) -> Option<&'static str> {
    sections().find(|(own, _, _)| *own == code).map(|(_, _, text)| text)
}

/// Every code with its title, in the order of the document.
pub fn all_codes() -> Vec<(&'static str, &'static str)> {
    sections().map(|(code, title, _)| (code, title)).collect()
}

/// Code, title and whole text of each section.
fn sections() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let starts = DIAGNOSTICS.match_indices("\n## ").map(|(at, _)| at + 1);
    let ends = starts.clone().skip(1).chain([DIAGNOSTICS.len()]);
    starts.zip(ends).filter_map(|(start, end)| {
        let text = DIAGNOSTICS[start..end].trim_end();
        let (code, title) = text.lines().next()?.strip_prefix("## ")?.split_once(' ')?;
        let is_code =
            code.len() == 5 && code.starts_with('E') && code[1..].bytes().all(|b| b.is_ascii_digit());
        is_code.then_some((code, title, text))
    })
}
