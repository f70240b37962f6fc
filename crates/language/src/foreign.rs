//! What other programs call things, and what to write here instead: names, arguments, first words of statements, files.
//!
//! A row offers names of this language in order; the first that there is gets recommended, so that no row calls a layer
//! missing that has been added. Looked up only for what nothing else is called.

use crate::builtins::{self, FUNCTIONS, LAYERS, MODES, PADDINGS};
use convproof_engine::ir::Function;

/// Other spellings of something.
struct Row {
    /// Lower case, without `_`, and without `2d` at the end.
    typed: &'static [&'static str],
    /// Names that this language may have for it, the best one first.
    ours: &'static [&'static str],
    /// What is to be said where it has none of them.
    missing: Missing,
}

enum Missing {
    /// This.
    Say(&'static str),
    /// That it is not linear, and which such layers there are.
    Nonlinear,
}

use Missing::{Nonlinear, Say};

const fn row(typed: &'static [&'static str], ours: &'static [&'static str], missing: Missing) -> Row {
    Row { typed, ours, missing }
}

/// Names of layers, functions and values elsewhere.
#[rustfmt::skip]
const NAMES: &[Row] = &[
    row(&["convolution", "convolution2dlayer", "crosscorrelation", "correlate", "convolve", "depthwiseconv",
          "separableconv", "pointwiseconv"], &["conv"], Say("write `conv(K)`")),
    row(&["conv1d"], &[],
        Say("declare `kernel W[out,in,k]`, which is a row, and write `conv(W, padding=[0,p])` for images of one row")),
    row(&["convtranspose", "convtranspose1d", "conv2dtranspose", "deconv", "deconvolution", "transposedconv",
          "transposeconv", "tconv"], &["convtranspose"], Say("write `convtranspose(K)`")),
    row(&["identity", "noop", "passthrough", "skip", "shortcut", "dropout"], &["id"], Say("write `id`")),
    row(&["linear", "fc", "fullyconnected", "gemm", "matmul", "innerproduct", "affine", "mlp"], &["dense"],
        Say("write `flatten -> dense(W)`")),
    row(&["bn", "batchnormalization", "batchnorm1d", "frozenbatchnorm"], &["batchnorm"],
        Say("write `batchnorm(gamma, beta, mean, var)`")),
    row(&["maxpooling", "maxpool1d"], &["maxpool"], Say("write `maxpool(2)`")),
    row(&["averagepool", "averagepooling", "avgpooling", "meanpool", "avgpool1d"], &["avgpool"],
        Say("write `avgpool(2)`")),
    row(&["adaptiveavgpool", "adaptiveaveragepool", "adaptiveaveragepooling"],
        &["adaptive_avgpool", "global_avgpool"], Say("not supported")),
    row(&["globalaveragepool", "globalaveragepooling", "globalavgpooling", "gap", "spatialmean"],
        &["global_avgpool"], Say("write `global_avgpool`")),
    row(&["adaptivemaxpool"], &["adaptive_maxpool"], Say("write `adaptive_maxpool(n)`")),
    row(&["globalmaxpool", "globalmaxpooling"], &["adaptive_maxpool"], Say("write `adaptive_maxpool(1)`")),
    row(&["pixelshuffle", "subpixel", "depth2space"], &["depth_to_space"], Say("write `depth_to_space(n)`")),
    row(&["pixelunshuffle", "reorg", "focus", "space2depth"], &["space_to_depth"],
        Say("write `space_to_depth(n)`")),
    row(&["interpolate", "upsampling", "upsamplingnearest", "bilinear", "upsamplingbilinear", "imresize"],
        &["resize", "upsample"], Say("write `upsample(n)`")),
    row(&["resize"], &["resize", "upsample"], Say("write `upsample(n)`")),
    row(&["concatenate", "cat", "hstack"], &["concat"], Say("write `concat(S, T)`")),
    row(&["reshape", "view", "unflatten", "squeeze", "unsqueeze"], &["reshape"],
        Say("not supported; `flatten`, `space_to_depth` and `depth_to_space` change the shape of images, and \
             `kernel(S)` makes the kernel of a stack")),
    row(&["permute", "channelshuffle", "shufflechannels", "swapaxes"], &["permute", "channel_shuffle"],
        Say("not supported; `concat(select(2,3), select(0,1), …)` puts channels into another order")),
    row(&["narrow", "chunk", "split", "indexselect", "gather"], &["select"], Say("write `select(from,to)`")),
    row(&["stridedslice", "subarray"], &["slice"], Say("write `slice(from, to, step)`")),
    row(&["im2col", "unfold", "toeplitz", "asmatrix", "tomatrix", "jacobian"], &["matrix"],
        Say("write `matrix(S,[h,w])`")),
    row(&["cropping", "centercrop"], &["crop"], Say("write `crop(n)`")),
    row(&["zeropad", "zeropadding", "constantpad", "padding"], &["pad"], Say("write `pad(n)`")),
    row(&["reflectionpad", "replicationpad", "circularpad", "symmetricpad"], &["pad"],
        Say("write `pad(n, mode=reflect)`")),
    row(&["downsample", "decimate", "subsampling"], &["subsample"], Say("write `subsample(n)`")),
    row(&["zeroinsertion", "zerostuff", "insertzeros"], &["zero_insert"], Say("write `zero_insert(n)`")),
    row(&["blurpool", "gaussianblur"], &["blurpool"],
        Say("write `conv(K, stride=2)` with the blur's kernel, as in `conv(box(2)^2/16, stride=2)`")),
    row(&["add", "residual", "eltwise", "elementwiseadd"], &[], Say("branches are added with `+`, as in `S + id`")),
    row(&["sequential", "compose", "pipeline", "module"], &[], Say("layers are joined with `->`")),
    row(&["leakyrelu", "leaky", "lrelu"], &["leakyrelu"], Say("write `leakyrelu(a)`")),
    row(&["clip", "clamp", "hardtanh", "minimum", "clipbyvalue"], &["clip"], Say("write `clip(low,high)`")),
    row(&["hsigmoid"], &["hardsigmoid"], Say("write `hardsigmoid`")),
    row(&["absolute", "magnitude"], &["abs"], Say("write `abs`")),
    row(&["swish"], &["silu"], Say("write `silu`")),
    row(&["hswish"], &["hardswish"], Say("write `hardswish`")),
    row(&["logistic", "expit"], &["sigmoid"], Say("write `sigmoid`")),
    row(&["mish"], &[], Say("write `id * (softplus -> tanh)`")),
    row(&["glu"], &[], Say("write `select(0,c) * (select(c,2*c) -> sigmoid)` with the number of channels for c")),
    row(&["softmax", "elu", "selu", "celu",
          "softsign", "logsoftmax", "erf", "exp", "log",
          "round", "sign", "attention", "multiheadattention", "lstm", "gru", "rnn"], &[], Nonlinear),
    row(&["layernorm", "layernormalization", "groupnorm", "instancenorm", "rmsnorm", "lrn",
          "localresponsenorm"], &[], Say("not supported; `batchnorm` with given statistics is linear and is")),
    row(&["conv3d", "maxpool3d", "avgpool3d", "batchnorm3d", "convtranspose3d"], &["conv3d"],
        Say("three dimensions are not supported; frames may be channels")),
    row(&["array", "tensor", "asarray", "list", "constant", "parameter"], &[],
        Say("write the brackets alone, as in `[[1 0] [0 1]]`")),
    row(&["rand", "randn", "random", "normal", "uniform", "empty"], &[],
        Say("a kernel without a value stands for all values, as in `kernel A[3,3]`")),
    row(&["full", "zeroslike", "oneslike", "fill"], &["ones"], Say("write `ones(h,w)`")),
    row(&["dirac", "impulse", "unit"], &["delta"], Say("write `delta(h,w,i,j)`")),
    row(&["identitymatrix"], &["eye"], Say("write `eye(channels)`")),
    row(&["rot180", "fliplr", "flipud", "rotate"], &["flip"], Say("write `flip(A)`")),
    row(&["einsum", "kron", "outerproduct"], &["outer"], Say("write `outer(u,v)`")),
    row(&["rsqrt"], &["sqrt"], Say("write `sqrt(x)`")),
    row(&["multiply", "elementwise", "mul"], &["hadamard"], Say("write `hadamard(A,B)`")),
    row(&["loadtxt", "imread", "open", "read", "readcsv", "loadfile"], &["load"], Say("write `load(\"k.npy\")`")),
    row(&["true"], &[], Say("write `true`")),
    row(&["false"], &[], Say("write `false`, or leave the argument out")),
    row(&["none", "null", "nil"], &[], Say("leave the argument out")),
    row(&["even", "iseven"], &[], Say("write `h % 2 == 0`")),
    row(&["odd", "isodd"], &[], Say("write `h % 2 == 1`")),
    row(&["math", "np", "numpy", "torch", "nn", "f", "tf", "keras"], &[],
        Say("names stand alone here, without the name of a library")),
];

/// Names of arguments elsewhere, and the arguments that they may be here.
#[rustfmt::skip]
const ARGUMENTS: &[(&[&str], &[&str])] = &[
    (&["kernelsize", "poolsize", "size", "window", "ksize", "k"], &["p", "n"]),
    (&["s", "strides", "subsample", "step"], &["stride"]),
    (&["pad", "pads", "p", "paddings", "padmode"], &["padding"]),
    (&["d", "dilations", "dilationrate", "atrous"], &["dilation"]),
    (&["g", "group", "channelgroups", "featuregroupcount"], &["groups"]),
    (&["b"], &["bias"]),
    (&["weight", "weights", "w", "filter", "filters", "kernel"], &["K", "W", "gamma"]),
    (&["bias", "offset", "shift"], &["beta", "b"]),
    (&["scale"], &["gamma", "c"]),
    (&["runningmean", "movingmean", "mu"], &["mean"]),
    (&["runningvar", "movingvariance", "variance", "sigma2"], &["var"]),
    (&["epsilon"], &["eps"]),
    (&["outputpad", "outpadding", "adj"], &["output_padding"]),
    (&["ceil"], &["ceil_mode"]),
    (&["countincludepadding", "includepad"], &["count_include_pad"]),
    (&["scalefactor", "upscalefactor", "downscalefactor", "blocksize", "factor", "r"], &["n", "s"]),
    (&["negativeslope", "alpha", "slope"], &["a", "v"]),
    (&["beta"], &["b"]),
    (&["min", "minval", "minvalue", "lo"], &["low"]),
    (&["max", "maxval", "maxvalue", "hi"], &["high"]),
    (&["paddingmode", "mode"], &["mode", "padding_mode"]),
    (&["fill", "constantvalue", "constantvalues"], &["value"]),
];

/// Arguments elsewhere that have no place here, and why.
#[rustfmt::skip]
const NO_ARGUMENTS: &[(&[&str], &str)] = &[
    (&["inchannels", "outchannels", "infeatures", "outfeatures", "cin", "cout", "numfeatures", "units"],
     "the shape of the kernel says how many channels there are, as in `kernel W[out,in,3,3]`"),
    (&["dtype", "device", "name", "inputshape", "dataformat", "requiresgrad", "inplace", "training", "momentum",
       "affine", "trackrunningstats"], "leave it out: it does not change the function"),
];

/// First words of statements elsewhere.
#[rustfmt::skip]
const STATEMENTS: &[(&[&str], &str)] = &[
    (&["import", "from", "include", "using", "use", "require"], "nothing is imported; leave the line out"),
    (&["let", "var", "const", "def", "define", "val", "set", "auto"],
     "names are declared with their kind, as in `kernel A = …`, `scalar c = …` or `stack S = …`"),
    (&["assert", "check", "claim", "theorem", "lemma", "verify", "show", "assume", "expect", "ensure"],
     "claims begin with `prove` or `refute`"),
    (&["disprove", "deny"], "write `refute`"),
    (&["tensor", "weight", "weights", "param", "parameter", "filter", "matrix", "array", "kernels"],
     "write `kernel`, as in `kernel A[3,3]`"),
    (&["input", "picture", "signal"], "write `image`, as in `image X = [[1 0] [0 1]]`"),
    (&["layer", "net", "network", "model", "module", "block", "class", "function", "fn"],
     "write `stack`, as in `stack S = conv(A) -> relu`"),
    (&["float", "int", "number", "double", "real", "symbol", "symbols"], "write `scalar`, as in `scalar c = 1/4`"),
    (&["factor", "factorize", "factorise", "find", "split"], "write `solve`, as in `solve P[3,3], Q[3,3]: P * Q == D`"),
    (&["approximate", "minimize", "minimise", "optimize"], "write `fit`, as in `fit P[3,3], Q[3,3]: P * Q ~ D`"),
    (&["print", "return", "if", "while", "assign"], "a spec has declarations and claims only; leave the line out"),
];

/// Kinds of file that hold weights elsewhere, and how to get at them.
#[rustfmt::skip]
const FILES: &[(&[&str], [&str; 2])] = &[
    (&["pt", "pth", "ckpt", "bin"],
     ["export the weights: `sd = torch.load(\"m.pt\", weights_only=True)`",
      "then `safetensors.torch.save_file(sd, \"m.safetensors\")`"]),
    (&["csv", "txt", "tsv", "dat"], ["paste the numbers into brackets, as in `[1 2 1; 2 4 2]`",
                                     "or `np.save(\"k.npy\", np.loadtxt(\"k.csv\", delimiter=\",\"))`"]),
    (&["h5", "hdf5", "keras", "tflite", "pb", "mat", "pkl", "msgpack"],
     ["export the array with the library that reads the file", "then `np.save(\"w.npy\", w)`"]),
    (&["png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff"],
     ["make an array of the picture: `x = np.asarray(PIL.Image.open(\"x.png\"))`",
      "then `np.save(\"x.npy\", x)`"]),
];

/// Layers that are not linear, as far as this language has them.
const NONLINEAR: [&str; 8] = ["relu", "maxpool", "leakyrelu", "prelu", "relu6", "clip", "abs", "hardsigmoid"];

/// What to write for a name that nothing has.
pub(crate) fn name(typed: &str) -> Option<String> {
    let plain = normalized(typed);
    // Another way to write a name of the language, such as `LeakyReLU` or `MaxPool2d`.
    let own = builtins::names().find(|own| *own != typed && normalized(own) == plain);
    if let Some(own) = own.filter(|_| typed.chars().count() > 1) {
        return Some(called(own));
    }
    let row = NAMES.iter().find(|row| row.typed.contains(&plain.as_str()))?;
    if let Some(own) = row.ours.iter().find(|ours| builtins::names().any(|own| own == **ours)) {
        return Some(called(own));
    }
    Some(match row.missing {
        Say(text) => text.to_owned(),
        Nonlinear => {
            let have: Vec<String> = NONLINEAR
                .into_iter()
                .chain(Function::ALL.map(Function::name))
                .filter(|own| builtins::names().any(|name| name == *own))
                .map(|own| format!("`{own}`"))
                .collect();
            format!("not supported; the layers that are not linear are {}", have.join(", "))
        }
    })
}

/// A name of the language, with its arguments.
fn called(own: &str) -> String {
    let listed = FUNCTIONS.iter().chain(&*LAYERS).find(|signature| signature.name == own);
    match listed {
        Some(signature) => format!("write `{own}`, as in `{}`", signature.text),
        None => format!("write `{own}`"),
    }
}

/// What an argument of a function or layer is called here.
pub(crate) fn argument(function: &str, typed: &str) -> Option<String> {
    let plain = normalized(typed);
    let has = |wanted: &str| {
        let signatures = FUNCTIONS.iter().chain(&*LAYERS).filter(|signature| signature.name == function);
        signatures.flat_map(|own| own.required.iter().chain(own.optional)).any(|own| *own == wanted)
    };
    let rows = ARGUMENTS.iter().filter(|(names, _)| names.contains(&plain.as_str()));
    if let Some(own) = rows.flat_map(|(_, ours)| *ours).find(|own| has(own)) {
        return Some(format!("write `{own}=`"));
    }
    let row = NO_ARGUMENTS.iter().find(|(names, _)| names.contains(&plain.as_str()));
    row.map(|(_, why)| (*why).to_owned())
}

/// What to write for a word that begins no statement.
pub(crate) fn statement(word: &str) -> Option<&'static str> {
    let lower = word.to_lowercase();
    STATEMENTS.iter().find(|(words, _)| words.contains(&lower.as_str())).map(|(_, hint)| *hint)
}

/// What to do about a file that is not read.
pub(crate) fn file(path: &str, reason: &str) -> &'static [&'static str] {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    let row = FILES.iter().find(|(extensions, _)| extensions.contains(&extension.as_str()));
    row.filter(|_| reason.starts_with("not a ")).map_or(&[], |(_, lines)| lines.as_slice())
}

/// Whether a word ends the name of a file that holds arrays.
pub(crate) fn is_extension(word: &str) -> bool {
    let own = ["npy", "npz", "safetensors", "onnx"];
    own.contains(&word) || FILES.iter().any(|(extensions, _)| extensions.contains(&word))
}

/// A side of the input in a condition.
pub(crate) fn side(typed: &str) -> Option<String> {
    match typed {
        "H" | "height" | "Height" | "rows" => Some("the height of the input is `h`".to_owned()),
        "W" | "width" | "Width" | "cols" | "columns" => Some("the width of the input is `w`".to_owned()),
        "n" | "N" | "size" => Some("the sides of the input are `h` and `w`".to_owned()),
        _ => None,
    }
}

/// What may stand after `padding=` for a word that may not.
pub(crate) fn padding(typed: &str) -> String {
    let plain = normalized(typed);
    let near = PADDINGS.iter().find(|own| **own != typed && normalized(own) == plain);
    let all: Vec<String> = PADDINGS.iter().map(|own| format!("`{own}`")).collect();
    match near {
        _ if MODES.contains(&plain.as_str()) => {
            format!("write `padding=1, padding_mode={plain}`, or `pad(1, mode={plain})`")
        }
        Some(own) => format!("write `padding={own}`"),
        None => format!("padding is a number, `[v,h]`, or one of the words {}", all.join(", ")),
    }
}

/// Whether a text in quotes is a way of padding.
pub(crate) fn is_padding(text: &str) -> bool {
    PADDINGS.contains(&text)
}

/// Whether a word is a function or layer of this language that is written with arguments.
pub(crate) fn takes_arguments(word: &str) -> bool {
    word == "concat" || FUNCTIONS.iter().chain(&*LAYERS).any(|signature| signature.name == word)
}

/// A name without capitals, `_`, and what says that there are two dimensions.
fn normalized(name: &str) -> String {
    let plain: String = name.chars().filter(|c| *c != '_').collect::<String>().to_lowercase();
    match plain.strip_suffix("2d") {
        Some(short) if !short.is_empty() => short.to_owned(),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_can_be_found_and_do_not_contradict_the_language() {
        let mut seen = std::collections::HashSet::new();
        for row in NAMES {
            for typed in row.typed {
                assert_eq!(normalized(typed), *typed, "a row that is never found");
                assert!(seen.insert(*typed), "{typed} has two rows");
            }
        }
        for own in builtins::names() {
            assert!(name(own).is_none_or(|advice| advice.starts_with("write `")), "{own} is called missing");
        }
        let bare = |own: &&str| !LAYERS.iter().any(|signature| signature.name == *own);
        assert!(builtins::plain_layers().filter(bare).all(|own| called(own) == format!("write `{own}`")));
    }

    #[test]
    fn what_there_is_gets_recommended() {
        assert_eq!(name("AvgPool2d").unwrap(), called("avgpool"));
        assert_eq!(name("conv2d").unwrap(), called("conv"));
        assert_eq!(name("frobnicate"), None);
        assert_eq!(argument("conv", "strides").unwrap(), "write `stride=`");
        assert_eq!(argument("relu", "strides"), None);
    }
}
