//! The edit of the first file after which nothing differs: an operand or an attribute that a conversion lost, or
//! another epsilon. An edit is a finding only if the comparison then says equal, or equal up to rounding.

use convproof_files::onnx::{Attribute, Model, Node};

use crate::diff::{Comparison, Options, Standing, compare_models};
use crate::finding::Finding;
use crate::verdict::Difference;

/// Most edits that are tried, and fewest where networks are large.
const MAX_EDITS: usize = 24;
const MIN_EDITS: usize = 4;
/// Elements of all constants that are compared for all edits together, about.
const MAX_ELEMENTS: usize = 1 << 25;
/// Epsilons that converters put in.
const EPSILONS: [f32; 6] = [1e-3, 1e-5, 1e-6, 1e-4, 1e-2, 0.0];

/// A change of some nodes of a file.
struct Edit {
    nodes: Vec<usize>,
    what: What,
}

enum What {
    /// Without the operand at this position.
    Operand(usize),
    /// Without this attribute.
    Attribute(String),
    /// With this epsilon.
    Epsilon(f32),
}

/// The edit of the first file after which nothing differs, for the first difference.
pub fn mend(
    before: &Model,
    after: &Model,
    options: &Options,
    comparison: &Comparison,
    difference: &Difference,
) -> Option<Finding> {
    let elements = |model: &Model| model.graph.constants.iter().map(|(_, array)| array.len()).sum::<usize>();
    let tries = (MAX_ELEMENTS / elements(before).max(1)).clamp(MIN_EDITS, MAX_EDITS);
    let near = nodes_near(before, comparison, difference);
    edits(before, &near).into_iter().take(tries).find_map(|edit| {
        let shapes = Some(comparison.shapes.clone());
        let result = compare_models(&edit.apply(before), after, options, shapes, &mut |_, _| {}).ok()?;
        let mended = result.standing() != Standing::Open && result.conditions().is_empty();
        mended.then(|| edit.finding(before, comparison))
    })
}

/// The nodes of the first file that the difference may come from: those of its counterpart and of what that reads, or,
/// where it has none, those of the same operator.
fn nodes_near(before: &Model, comparison: &Comparison, difference: &Difference) -> Vec<usize> {
    let segment = &comparison.matcher.segments()[difference.segment];
    let operator = segment.after.node.map(|node| &comparison.after.nodes[node].operator);
    let mut near: Vec<usize> = match segment.before {
        Some(id) => {
            let terms = comparison.matcher.terms();
            let term = terms.get(id);
            let linear = term.args.iter().flat_map(|arg| arg.nodes.iter().copied());
            // What it reads may be what was lost: a mode of padding, say.
            let read =
                term.args.iter().flat_map(|arg| &arg.parts).filter_map(|part| terms.get(part.source).node);
            linear.chain(read).chain(term.node).collect()
        }
        None => (0..before.graph.nodes.len())
            .filter(|&n| Some(&before.graph.nodes[n].operator) == operator)
            .collect(),
    };
    near.sort_unstable();
    near.dedup();
    // Nodes are counted in the order of the file where no body stands inside another.
    near.retain(|&n| {
        let own = before.graph.nodes.get(n).zip(comparison.before.nodes.get(n));
        own.is_some_and(|(own, counted)| own.operator == counted.operator)
    });
    near
}

/// The edits of these nodes: operands first, then attributes, of one node and of all of its operator.
fn edits(before: &Model, near: &[usize]) -> Vec<Edit> {
    let nodes = &before.graph.nodes;
    let mut edits = Vec::new();
    for &n in near {
        let given = |&position: &usize| nodes[n].inputs.get(position).is_some_and(|name| !name.is_empty());
        let positions = optional_operands(&nodes[n].operator).iter().copied().filter(given);
        edits.extend(positions.map(|position| Edit { nodes: vec![n], what: What::Operand(position) }));
    }
    for &n in near {
        for (name, _) in &nodes[n].attributes {
            let all: Vec<usize> = (0..nodes.len())
                .filter(|&m| nodes[m].operator == nodes[n].operator && has(&nodes[m], name))
                .collect();
            edits.push(Edit { nodes: vec![n], what: What::Attribute(name.clone()) });
            if all.len() > 1 && all[0] == n {
                edits.push(Edit { nodes: all, what: What::Attribute(name.clone()) });
            }
        }
    }
    let of_norm = |n: &usize| nodes[*n].operator.ends_with("Normalization");
    if let Some(first) = near.iter().copied().find(of_norm) {
        let all: Vec<usize> =
            (0..nodes.len()).filter(|&m| nodes[m].operator == nodes[first].operator).collect();
        edits.extend(EPSILONS.map(|value| Edit { nodes: all.clone(), what: What::Epsilon(value) }));
    }
    edits
}

fn has(node: &Node, name: &str) -> bool {
    node.attributes.iter().any(|(own, _)| own == name)
}

/// The positions of operands that may be left out.
fn optional_operands(operator: &str) -> &'static [usize] {
    match operator {
        "Conv" | "ConvTranspose" | "Gemm" | "LayerNormalization" => &[2],
        "Clip" => &[2, 1],
        _ => &[],
    }
}

impl Edit {
    fn apply(&self, model: &Model) -> Model {
        let mut model = model.clone();
        for &n in &self.nodes {
            let node = &mut model.graph.nodes[n];
            match &self.what {
                What::Operand(position) => node.inputs[*position].clear(),
                What::Attribute(name) => node.attributes.retain(|(own, _)| own != name),
                What::Epsilon(value) => {
                    node.attributes.retain(|(own, _)| own != "epsilon");
                    node.attributes.push(("epsilon".to_owned(), Attribute::Float(*value)));
                }
            }
        }
        model
    }

    fn finding(&self, before: &Model, comparison: &Comparison) -> Finding {
        let first = self.nodes[0];
        let operator = &before.graph.nodes[first].operator;
        let node = match self.nodes.len() {
            1 => comparison.before.nodes[first].to_string(),
            _ => format!("every {operator}"),
        };
        match &self.what {
            What::Operand(position) => {
                let operand = match (operator.as_str(), position) {
                    ("Clip", 1) => "lower bound",
                    ("Clip", _) => "upper bound",
                    _ => "bias",
                };
                Finding::Lost { what: operand.to_owned(), node }
            }
            What::Attribute(name) => Finding::Lost { what: format!("attribute `{name}`"), node },
            What::Epsilon(value) => Finding::Epsilon { node, value: *value },
        }
    }
}
