//! `convproof show model.onnx`

use std::path::PathBuf;

use convproof_network::show::overview;
use convproof_network::understand::input_shapes;

use crate::networks;

use super::output::Output;
use super::{Status, models};

/// Show an ONNX file as it is understood: segments between operators that are not linear
///
/// Exit status: 0, or 2 if the file cannot be read.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model
    model: PathBuf,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output) -> Status {
    let path = arguments.model.display().to_string();
    let found = models::read(&arguments.model).and_then(|model| {
        let network = input_shapes(&model).and_then(|shapes| overview(&model, &shapes));
        network.map_err(|error| format!("{path}: {error}"))
    });
    match found {
        Ok(network) => {
            output.print(&networks::overview(&path, &network));
            Status::Holds
        }
        Err(message) => {
            output.fail(message);
            Status::Wrong
        }
    }
}
