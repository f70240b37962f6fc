//! The names of values that nodes of a file read. Both readers of a file, `understand` and `evaluate`, keep values by them.

use convproof_files::onnx::{Attribute, Node};
use rustc_hash::FxHashSet;

/// The values that a node reads, its bodies included.
pub(crate) fn read_by<'n>(node: &'n Node, wanted: &mut FxHashSet<&'n str>) {
    wanted.extend(node.inputs.iter().map(String::as_str));
    for (_, attribute) in &node.attributes {
        if let Attribute::Graph(body) = attribute {
            wanted.extend(body.outputs.iter().map(|output| output.name.as_str()));
            for node in &body.nodes {
                read_by(node, wanted);
            }
        }
    }
}
