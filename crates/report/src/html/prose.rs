//! A spec's prose as HTML, read as the Markdown report has it. Tags in it are text, links lead to the web or to other files only, and pictures, which a
//! page would have to fetch, are their descriptions.

use maud::{Markup, PreEscaped};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};

/// Prose; `place` names the place of each heading.
pub(super) fn prose(text: &str, mut place: impl FnMut(&str) -> String) -> Markup {
    let text = crate::prose::prose(text);
    let mut events: Vec<Event<'_>> =
        Parser::new_ext(&text, Options::ENABLE_TABLES).filter_map(safe).collect();
    for at in 0..events.len() {
        if !matches!(events[at], Event::Start(Tag::Heading { .. })) {
            continue;
        }
        let inside =
            events[at + 1..].iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
        let title: String = inside
            .map(|event| match event {
                Event::Text(text) | Event::Code(text) => text.as_ref(),
                _ => " ",
            })
            .collect();
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[at] {
            *id = Some(place(title.trim()).into());
        }
    }
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, events.into_iter());
    PreEscaped(out)
}

/// The event without what a page must not contain.
fn safe(event: Event<'_>) -> Option<Event<'_>> {
    Some(match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Image { .. }) => Event::Text("[picture: ".into()),
        Event::End(TagEnd::Image) => Event::Text("]".into()),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = if is_safe(&dest_url) { dest_url } else { CowStr::Borrowed("#") };
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        other => other,
    })
}

/// Whether a link leads to the web, to a mail address, or to a place relative to the page.
fn is_safe(address: &str) -> bool {
    let before_path = address.split(['/', '?', '#']).next().unwrap_or_default();
    match before_path.split_once(':') {
        None => true,
        Some((scheme, _)) => {
            ["http", "https", "mailto"].iter().any(|allowed| scheme.eq_ignore_ascii_case(allowed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn html(text: &str) -> String {
        prose(text, |title| format!("at-{title}")).into_string()
    }

    #[test]
    fn markdown_is_rendered() {
        let shown = html("# A `b`\n\ntext *x* [y](z.md)\n\n- one\n");
        assert_eq!(
            shown,
            "<h1 id=\"at-A b\">A <code>b</code></h1>\n<p>text <em>x</em> <a href=\"z.md\">y</a></p>\n<ul>\n<li>one</li>\n</ul>\n"
        );
    }

    #[test]
    fn nothing_foreign_is_markup() {
        for text in [
            "<script>alert(1)</script>",
            "a <b onclick=x>",
            "</style></main><!-- x",
            "<img src=x onerror=y>",
            "```\n<i>\n```",
            "`<i>`",
            "&lt;script>",
        ] {
            let shown = html(text);
            for tag in ["<script", "<b", "<img", "<i>", "</style", "</main", "<!--"] {
                assert!(!shown.contains(tag), "{shown}");
            }
        }
    }

    #[test]
    fn links_and_pictures_bring_nothing_in() {
        for text in [
            "[x](javascript:alert(1))",
            "[x](JAVASCRIPT:a)",
            "[x](data:text/html,a)",
            "<vbscript:abc>",
            "[x](&#106;avascript:a)",
        ] {
            let shown = html(text);
            assert!(
                !shown.to_lowercase().contains("href=\"java") && !shown.contains("href=\"data"),
                "{shown}"
            );
            assert!(!shown.contains("href=\"vb"), "{shown}");
        }
        let picture = html("![what it *is*](https://example.org/x.png)");
        assert_eq!(picture, "<p>[picture: what it <em>is</em>]</p>\n");
        assert!(html("[x](https://example.org/a:b)").contains("href=\"https://example.org/a:b\""));
        assert!(html("[x](\"><script>)").contains("&quot;") || !html("[x](\"><script>)").contains("<script"));
    }

    /// Names of all tags, and the targets of all links.
    fn tags(html: &str) -> Vec<&str> {
        html.split('<').skip(1).map(|tag| tag.trim_start_matches('/')).collect()
    }

    const ALLOWED: [&str; 26] = [
        "p>",
        "h1 id=",
        "h2 id=",
        "h3 id=",
        "h4 id=",
        "h5 id=",
        "h6 id=",
        "h1>",
        "h2>",
        "h3>",
        "h4>",
        "h5>",
        "h6>",
        "a>",
        "ul>",
        "ol>",
        "ol start=",
        "li>",
        "em>",
        "strong>",
        "code>",
        "pre>",
        "hr />",
        "br />",
        "blockquote>",
        "code class=",
    ];

    proptest! {
        /// Whatever is typed, only the tags of Markdown come out, and links that are safe.
        #[test]
        fn any_prose_is_safe(parts in prop::collection::vec(prop::sample::select(PARTS.to_vec()), 0..24)) {
            let shown = html(&parts.concat());
            for tag in tags(&shown) {
                let table = ["table>", "thead>", "tbody>", "tr>", "th", "td"].iter().any(|name| tag.starts_with(name));
                let known = ALLOWED.iter().any(|allowed| tag.starts_with(allowed));
                let link = tag.strip_prefix("a href=\"").is_some_and(|target| {
                    ["javascript:", "data:"].iter().all(|scheme| !target.starts_with(scheme))
                });
                prop_assert!(known || table || link, "{tag} in {shown}");
            }
        }
    }

    const PARTS: [&str; 40] = [
        "<",
        ">",
        "script",
        "<script>",
        "</p>",
        "<!--",
        "-->",
        "<b a='",
        "\"",
        "'",
        "`",
        "``",
        "```\n",
        "~~~\n",
        "\n",
        "\n\n",
        "# ",
        "- ",
        "1. ",
        "> ",
        "    ",
        "[",
        "](",
        ")",
        "![",
        "](x)",
        "](javascript:x)",
        "](data:,x)",
        "javascript:x",
        "<https://e.org>",
        "<javascript:x>",
        "[x]: javascript:y\n",
        "[x]",
        "&lt;",
        "&#60;",
        "| a | b |\n| - | - |\n",
        "|",
        "**",
        "\\",
        "é",
    ];
}
