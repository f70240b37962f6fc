//! What people type who come from elsewhere, and what they are told.

use super::diagnostics::diagnose;

/// What is typed, in a spec that declares `A`, `B`, `K` of `[3,3]`, and what the first hint must contain.
const TYPED: &[(&str, &str)] = &[
    ("kernel M(3,3)", "`M[3,3]`"),
    ("kernel M(5, 3) = A", "`M[5,3]`"),
    ("stack S = conv(A, padding='same')", "`padding=same`, without quotes"),
    ("stack S = conv(A, padding=\"same\")", "`same` without quotes"),
    ("stack S = conv(A, padding=reflect)", "`padding=1, padding_mode=reflect`"),
    ("stack S = conv(A, padding=half)", "padding is a number, `[v,h]`, or one of the words `valid`, `same`"),
    ("stack S = conv2d(A)", "`conv`"),
    ("stack S = Conv2d(A)", "`conv`"),
    ("stack S = Conv1D(A)", "`kernel W[out,in,k]`"),
    ("stack S = conv(A) -> bn(1,1,1,1)", "`batchnorm`"),
    ("stack S = BatchNorm2d(1,1,1,1)", "`batchnorm`"),
    ("stack S = conv(A) + identity", "`id`"),
    ("stack S = Identity()", "`id`"),
    ("stack S = flatten -> Linear(A)", "`dense`"),
    ("stack S = pixel_shuffle(2)", "`depth_to_space`"),
    ("stack S = PixelUnshuffle(2)", "`space_to_depth`"),
    ("stack S = deconv(A)", "`convtranspose`"),
    ("stack S = Conv2DTranspose(A)", "`convtranspose`"),
    ("stack S = max_pool2d(2)", "`maxpool`"),
    ("stack S = MaxPooling2D(2)", "`maxpool`"),
    ("stack S = AvgPool2d(2)", "`avgpool`"),
    ("stack S = GlobalAveragePooling2D", "`global_avgpool`"),
    ("stack S = ReLU", "`relu`"),
    ("stack S = cat(id, id)", "`concat`"),
    ("stack S = Sequential(conv(A))", "`->`"),
    ("stack S = elu", "not supported; the layers that are not linear are `relu`, `maxpool`"),
    ("stack S = Mish()", "`id * (softplus -> tanh)`"),
    ("stack S = GLU()", "`select(0,c) * (select(c,2*c) -> sigmoid)`"),
    ("stack S = conv(A) -> Sigmoid()", "`sigmoid`"),
    ("stack S = conv(A) -> swish", "`silu`"),
    ("stack S = LayerNorm(4)", "`batchnorm`"),
    ("stack S = conv3d(A)", "three dimensions"),
    ("stack S = F.relu", "without `F.`: write `relu`"),
    ("stack S = nn.Conv2d(A)", "without `nn.`: write `conv`"),
    ("kernel L = np.load(c.npy)", "without `np.`: write `load`"),
    ("stack S = conv(A).relu()", "joined with `->`: write `relu`"),
    ("stack S = conv(A).stride(2)", "parentheses, as in `conv(K, stride=2)`"),
    ("stack S = avgpool(2).padding(1)", "parentheses, as in `conv(K, padding=1)`"),
    ("prove fold: conv(A) == conv(B)", "in quotes, as in `prove \"label\": S == T`"),
    ("prove conv(A) == conv(B) for all A, B", "for all weights and inputs as they stand"),
    ("prove conv(A)(conv(B)) == conv(A * B)", "joined with `->`"),
    ("conv(A) == conv(B)", "write `prove conv…`"),
    ("conv(A) ~= conv(B) within 1", "write `prove conv…`"),
    ("A == B", "write `prove A…`"),
    ("prove A.T == A", "`transpose(A)`"),
    ("stack S = conv(A, bias=False)", "leave the argument out"),
    ("kernel L = load(c.npy)", "`\"c.npy\"`"),
    ("kernel L = load(f, a)", "`\"f\"`"),
    ("kernel L = load('k.npy')", "`\"`"),
    ("kernel L = array([[1 2] [3 4]])", "write the brackets alone"),
    ("kernel L = torch.tensor([1 2])", "write the brackets alone"),
    ("kernel L = randn(3,3)", "`kernel A[3,3]`"),
    ("stack S = conv(A, stride=(2,2))", "`[2,2]`"),
    ("stack S = conv(A, padding=(1, 2))", "`[1,2]`"),
    ("prove conv(A) == conv(B) on (28,28)", "`[28,28]`"),
    ("prove conv(A) == conv(B) on 28", "`[28,28]`"),
    ("stack S = avgpool(2, ceil_mode=True)", "`true`"),
    ("stack S = avgpool(2, ceil_mode=False)", "`false`"),
    ("prove conv(A) == conv(B) if h % 2 == 0", "`where`"),
    ("prove conv(A) == conv(B) when h % 2 == 0", "`where`"),
    ("prove conv(A) == conv(B) where H % 2 == 0", "`h`"),
    ("prove conv(A) == conv(B) where h even", "`h % 2 == 0`"),
    ("prove conv(A) == conv(B) where w is odd", "`w % 2 == 1`"),
    ("prove conv(A) == conv(B) where h % 2 == 0and w > 1", "`0 and`"),
    ("prove conv(A) == conv(B) where h > 1 || w > 1", "`or`"),
    ("prove conv(A) == conv(B) where h > 1 && w > 1", "`and`"),
    ("prove conv(A) > conv(B) == conv(A * B)", "`->`"),
    ("prove conv(A) | conv(B) == conv(A * B)", "`->`"),
    ("prove conv(A) => conv(B) == conv(A * B)", "`->`"),
    ("prove conv(A) != conv(B)", "`refute S == T`"),
    ("kernel M[3,3];", "leave the `;` out"),
    ("kernel M[3,3], N[3,3]", "`kernel N…`"),
    ("kernel M[3][3]", "`A[3,3]`"),
    ("prove A[1][2] == 0", "`A[1,2]`"),
    ("kernel M = A**2", "`A ^ 2`"),
    ("prove conv(A) ~= conv(B) within 1%", "`1/100`"),
    ("prove conv A == conv(B)", "`conv(A)`"),
    ("stack S = conv A", "`conv(A)`"),
    ("stack S = avgpool(kernel_size=2)", "`p=`"),
    ("stack S = conv(A, s=2)", "`stride=`"),
    ("stack S = conv(A, pad=1)", "`padding=`"),
    ("stack S = conv(A, in_channels=1)", "the shape of the kernel"),
    ("stack S = maxpool(3, 2)", "`stride=`"),
    ("prove Late == A\nkernel Late[3,3]", "move the declaration of `Late` above"),
    ("kernel P[3,3,1,1]\nkernel D[3,1,3,3]\nkernel M = P * D", "`kernel(conv(A) -> conv(B, groups=3))`"),
    ("kernel L = load(\"m.h5\")", "export the array"),
    ("kernel L = load(\"m.pt\")", "export the weights"),
    ("kernel L = load(\"m.csv\")", "paste the numbers"),
    ("import numpy as np", "nothing is imported"),
    ("let M = 3", "`kernel A = …`"),
    ("assert conv(A) == conv(B)", "`prove`"),
    ("// a comment", "`#`"),
    ("kernel M[3,3] // a comment", "`#`"),
    ("tensor M[3,3]", "`kernel`"),
];

/// What may become a layer one day: until then its place is told.
const MAY_COME: &[(&str, &str)] = &[
    ("stack S = LeakyReLU(0.2)", "`leakyrelu(a)`"),
    ("stack S = leakyrelu(negative_slope=0.2)", "`a=`"),
    ("stack S = ReLU6", "`relu6`"),
    ("stack S = clamp(0, 1)", "`clip(low,high)`"),
    ("stack S = pad(1, padding_mode=reflect)", "`mode=`"),
    ("stack S = reshape(4)", "not supported"),
    ("stack S = permute(1,0)", "`permute([1,0])`"),
    ("stack S = PReLU(1/4)", "`prelu(v)`"),
    ("stack S = Interpolate(2)", "`resize(f"),
    ("stack S = adaptive_avgpool(1)", "`global_avgpool`"),
];

fn hints(typed: &str) -> Vec<String> {
    let text = format!("kernel A[3,3]\nkernel B[3,3]\nkernel K[3,3]\n{typed}\n");
    diagnose(&text).into_iter().flat_map(|found| found.hints).collect()
}

#[test]
fn every_spelling_from_elsewhere_leads_to_ours() {
    let mut wrong = Vec::new();
    for (typed, wanted) in TYPED {
        let told = hints(typed);
        if !told.first().is_some_and(|hint| hint.contains(wanted)) {
            wrong.push(format!("{typed}: {told:?} lacks {wanted}"));
        }
    }
    for (typed, wanted) in MAY_COME {
        let told = hints(typed);
        if !told.is_empty() && !told.iter().any(|hint| hint.contains(wanted)) {
            wrong.push(format!("{typed}: {told:?} lacks {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_unknown_statement_does_not_hide_the_next_one() {
    let text = "import numpy\nlet x = 3\nassert x == 3\n// done\nkernel A[3,3]\nprove A == A\n";
    let codes: Vec<&str> = diagnose(text).iter().map(|found| found.code).collect();
    assert_eq!(codes, ["E0107", "E0107", "E0107", "E0108"]);
    // Neither do lines after a mistake within a statement.
    let text = "kernel A(3,3)\nimport numpy\nkernel B[3,3]\n";
    assert_eq!(diagnose(text).len(), 2);
    // What goes on with it is no mistake of its own.
    let text = "matrix A = [\n1 2 3\n4 5 6\n]\nstak S = conv(A) ->\nrelu\nwhere h > 1\nkernel B[3,3]\n";
    assert_eq!(diagnose(text).len(), 2);
    // Every line of something else is one mistake at most, and there is an end to them.
    assert_eq!(diagnose(&"x y z\n".repeat(5000)).len(), 1001);
}

#[test]
fn names_after_a_comma_are_not_unknown() {
    let text = "kernel A[3,3], B[3,3], C\nprove A == B\nprove C == B\n";
    assert_eq!(diagnose(text).len(), 1);
}
