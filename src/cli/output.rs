//! The standard streams: colours where they are wanted, and no panic when a reader goes away.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use anstream::AutoStream;
use clap::ValueEnum;

use super::{Status, progress};
use crate::report::escape::visible;

/// The values of `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    Auto,
    Always,
    Never,
}

impl From<ColorChoice> for anstream::ColorChoice {
    fn from(choice: ColorChoice) -> Self {
        match choice {
            ColorChoice::Auto => Self::Auto,
            ColorChoice::Always => Self::Always,
            ColorChoice::Never => Self::Never,
        }
    }
}

/// Standard output and standard error.
pub(super) struct Output {
    color: anstream::ColorChoice,
    stdout: AutoStream<std::io::Stdout>,
    /// No more can be written to standard output.
    closed: bool,
    status: Status,
}

impl Output {
    pub(super) fn new(color: ColorChoice) -> Self {
        let color = color.into();
        let stdout = AutoStream::new(std::io::stdout(), color);
        Self { color, stdout, closed: false, status: Status::Holds }
    }

    /// Writes to standard output. Once its reader has gone away (`| head`), the rest is dropped silently.
    pub(super) fn print(&mut self, text: &str) {
        if self.closed || text.is_empty() {
            return;
        }
        let screen = progress::without_line();
        let written = if self.stdout.current_choice() == anstream::ColorChoice::Never {
            // One large write instead of one for every piece between colours.
            let plain = anstream::adapter::strip_str(text).to_string();
            std::io::stdout().write_all(plain.as_bytes())
        } else {
            self.stdout.write_all(text.as_bytes())
        };
        let written = written.and_then(|()| self.stdout.flush());
        // What is said of a failure takes the line off the screen, too.
        drop(screen);
        if let Err(error) = written {
            self.closed = true;
            if error.kind() != ErrorKind::BrokenPipe {
                self.fail(format_args!("standard output: {error}"));
            }
        }
    }

    /// Tells of something wrong that belongs to no spec; the program will exit with status 2.
    pub(super) fn fail(&mut self, message: impl Display) {
        self.status = Status::Wrong;
        self.note(format_args!("error: {}", visible(&message.to_string(), true)));
    }

    /// Writes a line to standard error.
    pub(super) fn note(&mut self, message: impl Display) {
        let _screen = progress::without_line();
        // There is nowhere to report a broken standard error to.
        let _ = writeln!(AutoStream::new(std::io::stderr(), self.color), "{message}");
    }

    /// The status that printing itself came to.
    pub(super) fn finish(self) -> Status {
        self.status
    }
}
