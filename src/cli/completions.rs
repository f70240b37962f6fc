//! `convproof completions SHELL`

use clap::CommandFactory;
use clap_complete::Shell;

use super::Status;
use super::output::Output;

/// Write a completion script for a shell to standard output
#[derive(clap::Args)]
pub(super) struct Arguments {
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Status {
    let mut script = Vec::new();
    let mut command = super::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "convproof", &mut script);
    output.print(&String::from_utf8_lossy(&script));
    Status::Holds
}
