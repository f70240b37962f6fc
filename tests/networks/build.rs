//! Small models, written message by message.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use convproof::load::onnx::messages::{
    AttributeProto, Dimension, Entry, FunctionProto, GraphProto, ModelProto, NodeProto, Opset, TensorKind,
    TensorProto, TensorShape, ValueInfo, ValueKind,
};
use prost::Message;

/// An attribute's value.
pub(crate) enum Value {
    Int(i64),
    Float(f32),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Text(&'static str),
    Tensor(TensorProto),
    Graph(GraphProto),
}

/// A model under construction; every method that adds a node returns the name of its result.
pub(crate) struct Builder {
    pub(crate) graph: GraphProto,
    /// ONNX's operator set.
    pub(crate) opset: i64,
    /// The names of operators that the model defines itself.
    pub(crate) functions: Vec<FunctionProto>,
}

impl Default for Builder {
    fn default() -> Self {
        Self { graph: GraphProto::default(), opset: 17, functions: Vec::new() }
    }
}

impl Builder {
    /// A model with an input `x` of these extents; 0 stands for an open one.
    pub(crate) fn new(dims: &[i64]) -> Self {
        let mut builder = Self::default();
        builder.graph.inputs.push(port("x", dims));
        builder
    }

    pub(crate) fn floats(&mut self, dims: &[i64], values: &[f32]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(TensorProto {
            dims: dims.to_vec(),
            element: 1,
            raw: Some(raw.into()),
            ..TensorProto::default()
        })
    }

    pub(crate) fn integers(&mut self, values: &[i64]) -> String {
        let dims = vec![i64::try_from(values.len()).unwrap()];
        self.tensor(TensorProto { dims, element: 7, int64s: values.to_vec(), ..TensorProto::default() })
    }

    pub(crate) fn tensor(&mut self, mut tensor: TensorProto) -> String {
        tensor.name = format!("c{}", self.graph.initializers.len());
        self.graph.initializers.push(tensor);
        self.graph.initializers.last().unwrap().name.clone()
    }

    pub(crate) fn node(&mut self, operator: &str, inputs: &[&str], attributes: Vec<(&str, Value)>) -> String {
        let output = format!("t{}", self.graph.nodes.len());
        let inputs = inputs.iter().map(|&name| name.to_owned()).collect();
        let attributes = attributes.into_iter().map(|(name, value)| attribute(name, value)).collect();
        let operator = operator.to_owned();
        self.graph.nodes.push(NodeProto {
            inputs,
            outputs: vec![output.clone()],
            operator,
            attributes,
            ..NodeProto::default()
        });
        output
    }

    /// A convolution with a kernel of these extents and its elements, padded by this much all around.
    pub(crate) fn conv(
        &mut self,
        x: &str,
        dims: &[i64],
        values: &[f32],
        bias: Option<&[f32]>,
        padding: i64,
    ) -> String {
        let kernel = self.floats(dims, values);
        let pads = vec![("pads", Value::Ints(vec![padding; 2 * (dims.len() - 2)]))];
        match bias {
            None => self.node("Conv", &[x, &kernel], pads),
            Some(bias) => {
                let bias = self.floats(&[i64::try_from(bias.len()).unwrap()], bias);
                self.node("Conv", &[x, &kernel, &bias], pads)
            }
        }
    }

    /// A batch normalization by gamma, beta, mean and variance, with an epsilon of 2⁻¹⁰.
    pub(crate) fn batchnorm(&mut self, x: &str, parameters: [&[f32]; 4]) -> String {
        let [gamma, beta, mean, variance] =
            parameters.map(|values| self.floats(&[i64::try_from(values.len()).unwrap()], values));
        self.node(
            "BatchNormalization",
            &[x, &gamma, &beta, &mean, &variance],
            vec![("epsilon", Value::Float(1.0 / 1024.0))],
        )
    }

    /// The bytes of the model that gives this value.
    pub(crate) fn bytes(mut self, output: &str) -> Vec<u8> {
        self.graph.outputs.push(ValueInfo { name: output.to_owned(), kind: None });
        let set = |domain: &str, version| Opset { domain: domain.to_owned(), version };
        let opsets = vec![set("", self.opset), set("com.microsoft", 1)];
        ModelProto { graph: Some(self.graph), opsets, functions: self.functions }.encode_to_vec()
    }
}

pub(crate) fn attribute(name: &str, value: Value) -> AttributeProto {
    let mut attribute = AttributeProto { name: name.to_owned(), ..AttributeProto::default() };
    match value {
        Value::Float(value) => (attribute.kind, attribute.float) = (1, value),
        Value::Int(value) => (attribute.kind, attribute.int) = (2, value),
        Value::Text(value) => (attribute.kind, attribute.text) = (3, value.into()),
        Value::Graph(value) => (attribute.kind, attribute.graph) = (5, Some(value)),
        Value::Tensor(value) => (attribute.kind, attribute.tensor) = (4, Some(value)),
        Value::Floats(values) => (attribute.kind, attribute.floats) = (6, values),
        Value::Ints(values) => (attribute.kind, attribute.ints) = (7, values),
    }
    attribute
}

/// An input; 0 stands for an open extent.
pub(crate) fn port(name: &str, dims: &[i64]) -> ValueInfo {
    let dim = |(axis, &dim): (usize, &i64)| match dim {
        0 => Dimension { value: None, name: Some(["N", "C", "H", "W"][axis].to_owned()) },
        _ => Dimension { value: Some(dim), name: None },
    };
    let shape = TensorShape { dims: dims.iter().enumerate().map(dim).collect() };
    let kind = ValueKind { tensor: Some(TensorKind { element: 1, shape: Some(shape) }) };
    ValueInfo { name: name.to_owned(), kind: Some(kind) }
}

/// Where a tensor's data stand.
pub(crate) fn entry(key: &str, value: &str) -> Entry {
    Entry { key: key.to_owned(), value: value.to_owned() }
}

/// What `convproof diff` comes to: its exit status and both streams.
pub(crate) fn diff(before: &[u8], after: &[u8], options: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let paths: [PathBuf; 2] = ["before.onnx", "after.onnx"].map(|name| folder.path().join(name));
    std::fs::write(&paths[0], before).unwrap();
    std::fs::write(&paths[1], after).unwrap();
    run(&paths[0], &paths[1], options)
}

/// The same of two files.
pub(crate) fn run(before: &Path, after: &Path, options: &[&str]) -> (i32, String) {
    let output = Command::cargo_bin("convproof")
        .unwrap()
        .arg("diff")
        .args([before, after])
        .args(options)
        .output()
        .unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}
