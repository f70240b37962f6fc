//! The command line: arguments, files, exit status. The only module that prints or writes files.

mod check;
mod completions;
mod diff;
mod explain;
mod factor;
mod files;
mod fmt;
mod interrupt;
mod models;
mod named;
mod output;
mod progress;
mod show;
mod stream;
mod watch;
mod workers;
mod write;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::algebra::budget;
use output::{ColorChoice, Output};

/// Proves or refutes, exactly, that stacks of linear layers compute the same function.
///
/// Exit status: 0 all claims hold, 1 some claim fails, 2 a spec, the command line or a file is wrong.
#[derive(Parser)]
#[command(name = "convproof", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// When to use colours; `NO_COLOR` is respected
    #[arg(long, value_enum, global = true, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    color: ColorChoice,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Arguments),
    Fmt(fmt::Arguments),
    Explain(explain::Arguments),
    Factor(factor::Arguments),
    Diff(diff::Arguments),
    Show(show::Arguments),
    Completions(completions::Arguments),
}

/// What a run came to; a later variant wins over an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    /// All claims hold.
    Holds = 0,
    /// Some claim fails.
    Fails = 1,
    /// A spec, the command line or a file is wrong.
    Wrong = 2,
    /// Ctrl-C was pressed, as shells say it.
    Stopped = 130,
}

/// Runs the program with these arguments, the program's name first.
pub fn run<I, T>(arguments: I) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to tell whom if this fails.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() {
                Status::Wrong as u8
            } else {
                Status::Holds as u8
            });
        }
    };
    quiet_defects();
    // Expressions nest as deeply as the limits allow, whatever the stack of the first thread.
    let status = crate::room::on_large_stack(|| {
        let mut output = Output::new(arguments.color);
        let status = match &arguments.command {
            Command::Check(arguments) => check::run(arguments, &mut output),
            Command::Fmt(arguments) => fmt::run(arguments, &mut output),
            Command::Explain(arguments) => explain::run(arguments, &mut output),
            Command::Factor(arguments) => factor::run(arguments, &mut output),
            Command::Diff(arguments) => diff::run(arguments, &mut output),
            Command::Show(arguments) => show::run(arguments, &mut output),
            Command::Completions(arguments) => completions::run(arguments, &mut output),
        };
        status.max(output.finish())
    });
    ExitCode::from(status as u8)
}

/// Says nothing of panics that are caught: the report of the claim tells of them.
fn quiet_defects() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !budget::is_guarded() {
            loud(panic);
        }
    }));
}
