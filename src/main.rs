//! The command-line program; everything is in the library.

#![warn(clippy::too_many_lines)]

use std::process::ExitCode;

fn main() -> ExitCode {
    convproof::cli::run(std::env::args_os())
}
