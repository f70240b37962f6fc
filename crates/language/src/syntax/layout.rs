//! A small document layout in the manner of Wadler, "A prettier printer" (2003): a group stands on one line if it
//! fits, else all its breaks become line breaks. Time is linear in the document for a fixed width.

/// How far a line break inside [`Doc::Nest`] is indented.
const INDENT: usize = 4;

/// A text with choices of where to break lines.
#[derive(Clone, Debug)]
pub(super) enum Doc {
    /// Text without line breaks.
    Text(String),
    /// This text, or a line break if the group around it does not fit.
    Break(&'static str),
    /// Parts one after the other.
    Concat(Vec<Doc>),
    /// Line breaks inside are indented one step further.
    Nest(Box<Doc>),
    /// Breaks inside are taken all or none.
    Group(Box<Doc>),
    /// An array: on one line, where it fits and `one_line` allows it, or in lines, aligned with the first.
    Rows { flat: String, rows: Vec<String>, one_line: bool },
}

impl Doc {
    /// The width that breaks no line at all.
    pub(super) const ONE_LINE: usize = usize::MAX;

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A group whose parts are indented after a break.
    pub(super) fn hanging(parts: Vec<Doc>) -> Self {
        Self::Group(Box::new(Self::Nest(Box::new(Self::Concat(parts)))))
    }

    /// Whether the document begins with this character.
    pub(super) fn begins_with(&self, character: char) -> bool {
        match self {
            Self::Text(text) => text.starts_with(character),
            Self::Break(text) => text.starts_with(character),
            Self::Concat(parts) => parts.first().is_some_and(|part| part.begins_with(character)),
            Self::Nest(inner) | Self::Group(inner) => inner.begins_with(character),
            Self::Rows { flat, .. } => flat.starts_with(character),
        }
    }

    /// Lays the document out in lines of at most `width` characters where its breaks allow.
    pub(super) fn render(&self, width: usize) -> String {
        let mut page = Page { text: String::new(), column: 0, width };
        let mut rest = vec![(0, width == Self::ONE_LINE, self)];
        while let Some((indent, flat, doc)) = rest.pop() {
            match doc {
                Self::Text(text) => page.put(text),
                Self::Break(text) if flat => page.put(text),
                Self::Break(_) => page.line_break(indent),
                Self::Concat(parts) => rest.extend(parts.iter().rev().map(|part| (indent, flat, part))),
                Self::Nest(inner) => rest.push((indent + INDENT, flat, inner)),
                Self::Group(inner) => {
                    let fits = flat || page.fits(inner, &rest);
                    rest.push((indent, fits, inner));
                }
                Self::Rows { flat: line, rows, one_line } => {
                    let room = page.column.saturating_add(line.chars().count()) <= page.width;
                    if flat || (*one_line && room) {
                        page.put(line);
                        continue;
                    }
                    let start = page.column;
                    for (index, row) in rows.iter().enumerate() {
                        if index > 0 {
                            page.line_break(if row.is_empty() { 0 } else { start });
                        }
                        page.put(row);
                    }
                }
            }
        }
        page.text
    }
}

struct Page {
    text: String,
    column: usize,
    width: usize,
}

impl Page {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    fn line_break(&mut self, indent: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// Whether `doc` fits on the line with no break taken, and `rest` (its last entry first) up to its first line
    /// break.
    fn fits(&self, doc: &Doc, rest: &[(usize, bool, &Doc)]) -> bool {
        let Some(mut room) = self.width.checked_sub(self.column) else { return false };
        let mut rest = rest.iter().rev();
        let mut open = vec![(true, doc)];
        let mut inside = true;
        loop {
            let next = open.pop().or_else(|| {
                inside = false;
                rest.next().map(|(_, flat, doc)| (*flat, *doc))
            });
            let Some((flat, doc)) = next else { return true };
            let text: &str = match doc {
                Doc::Text(text) => text,
                Doc::Break(text) if flat => text,
                Doc::Break(_) => return true,
                Doc::Concat(parts) => {
                    open.extend(parts.iter().rev().map(|part| (flat, part)));
                    continue;
                }
                Doc::Nest(inner) | Doc::Group(inner) => {
                    open.push((flat, inner));
                    continue;
                }
                Doc::Rows { flat: line, rows, one_line } => {
                    if *one_line && line.chars().count() <= room {
                        line
                    } else {
                        // Its first line ends the line that what stands before it is on.
                        return !inside && rows.first().is_none_or(|row| row.chars().count() <= room);
                    }
                }
            };
            match room.checked_sub(text.chars().count()) {
                Some(left) => room = left,
                None => return false,
            }
        }
    }
}
