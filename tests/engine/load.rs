//! Arrays from `.npy`, `.npz` and `.safetensors` bytes.

use std::io::{Cursor, Write};

use convproof::algebra::Rational;
use convproof::load::{LoadError, Loaded, MAX_VALUES, load};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn q(text: &str) -> Rational {
    text.parse().unwrap()
}

fn numbers(text: &str) -> Vec<Rational> {
    text.split_whitespace().map(q).collect()
}

/// A version 1 file with this header.
fn npy_with(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// A file as NumPy writes it.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    npy_with(&format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}   \n"), data)
}

fn npz(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        // NumPy asks for 64-bit sizes in every header.
        let options = SimpleFileOptions::default().compression_method(method).large_file(true);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn read_npy(bytes: &[u8]) -> Result<Loaded, LoadError> {
    load(bytes, "w.npy", None)
}

fn values(bytes: &[u8]) -> Vec<Rational> {
    read_npy(bytes).unwrap().values.iter().collect()
}

#[test]
fn every_type_in_both_byte_orders() {
    // Type, one element in big-endian hexadecimal, its value.
    let cases = [
        ("b1", "00", "0"),
        ("b1", "01", "1"),
        ("i1", "80", "-128"),
        ("u1", "ff", "255"),
        ("i2", "fffe", "-2"),
        ("u2", "fffe", "65534"),
        ("i4", "80000000", "-2147483648"),
        ("u4", "80000000", "2147483648"),
        ("i8", "8000000000000000", "-9223372036854775808"),
        ("i8", "7fffffffffffffff", "9223372036854775807"),
        ("u8", "ffffffffffffffff", "18446744073709551615"),
        ("f2", "3c00", "1"),
        ("f2", "c248", "-3.140625"),
        ("f2", "7bff", "65504"),
        ("f2", "0001", "1/16777216"),
        ("f2", "8000", "0"),
        ("f4", "3f800000", "1"),
        ("f4", "bdcccccd", "-13421773/134217728"),
        ("f4", "4b800001", "16777218"),
        ("f8", "3fb999999999999a", "3602879701896397/36028797018963968"),
        ("f8", "c3f0000000000000", "-18446744073709551616"),
    ];
    for (kind, hex, value) in cases {
        let big: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let little: Vec<u8> = big.iter().rev().copied().collect();
        assert_eq!(values(&npy(&format!(">{kind}"), false, "(1,)", &big)), [q(value)], "{kind} {hex}");
        assert_eq!(values(&npy(&format!("<{kind}"), false, "(1,)", &little)), [q(value)], "{kind} {hex}");
    }
    let least = values(&npy("<f4", false, "()", &1u32.to_le_bytes()));
    assert_eq!(least[0], Rational::ratio(1, 2).unwrap().pow(149).unwrap());
    let most = values(&npy("<f8", false, "()", &f64::MAX.to_bits().to_le_bytes()));
    assert_eq!(most[0], Rational::from_f64(f64::MAX).unwrap());
}

#[test]
fn shapes_and_orders() {
    let data: Vec<u8> = (0..12).collect();
    let plain = read_npy(&npy("|u1", false, "(2, 3, 2)", &data)).unwrap();
    assert_eq!(plain.dims, [2, 3, 2]);
    assert_eq!(plain.values, numbers("0 1 2 3 4 5 6 7 8 9 10 11").into());
    // numpy.arange(12).reshape((2, 3, 2), order='F').ravel()
    let fortran = read_npy(&npy("|u1", true, "(2, 3, 2)", &data)).unwrap();
    assert_eq!(fortran.values, numbers("0 6 2 8 4 10 1 7 3 9 5 11").into());
    assert_eq!(
        read_npy(&npy("|u1", false, "()", &[7])).unwrap(),
        Loaded { dims: vec![], values: vec![q("7")].into() }
    );
    let empty = read_npy(&npy("<f8", false, "(0, 18446744073709551615)", &[])).unwrap();
    assert_eq!(empty, Loaded { dims: vec![0, usize::MAX], values: vec![].into() });
}

#[test]
fn headers_as_various_writers_lay_them_out() {
    for header in [
        "{'shape': (2,), 'fortran_order': False, 'descr': '|u1'}",
        "{\"descr\":\"|u1\",\"fortran_order\":False,\"shape\":(2L,),}",
        "  { 'descr' : '|u1' , 'fortran_order' : False , 'shape' : ( 2 , ) , } \n",
    ] {
        assert_eq!(values(&npy_with(header, &[1, 2])), numbers("1 2"), "{header}");
    }
    let header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}";
    let length = u32::try_from(header.len()).unwrap().to_le_bytes();
    for version in [2, 3] {
        let bytes = [b"\x93NUMPY", &[version, 0][..], &length, header, &[9]].concat();
        assert_eq!(values(&bytes), numbers("9"), "version {version}");
    }
    let future = [b"\x93NUMPY", &[4, 0][..], &length, header, &[9]].concat();
    assert_eq!(read_npy(&future), Err(LoadError::UnsupportedFormat));
}

#[test]
fn headers_that_are_refused() {
    for header in [
        "",
        "{}",
        "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}",
    ] {
        assert_eq!(read_npy(&npy_with(header, &[1])), Err(LoadError::Malformed), "{header}");
    }
    let wide = format!("({})", "1,".repeat(33));
    assert_eq!(read_npy(&npy("|u1", false, &wide, &[1])), Err(LoadError::TooManyAxes));
    for descr in ["<f16", "<c8", "|O", "<U3", "|V2", "<M8[ns]", "=f4", "|f4", "", "<f", "<f04x", "<b4"] {
        let result = read_npy(&npy(descr, false, "(1,)", &[0; 16]));
        assert_eq!(result, Err(LoadError::UnsupportedType { name: descr.to_owned() }));
    }
    let structured = "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}";
    assert!(matches!(read_npy(&npy_with(structured, &[0; 4])), Err(LoadError::UnsupportedType { .. })));
}

#[test]
fn lengths_must_fit() {
    for data in [&[1u8; 3][..], &[1; 5], &[]] {
        assert_eq!(read_npy(&npy("<u2", false, "(2,)", data)), Err(LoadError::WrongLength));
    }
    assert_eq!(read_npy(&npy("|u1", false, "(4096, 4097)", &[])), Err(LoadError::TooManyValues));
    let huge = format!("({0}, {0})", usize::MAX);
    assert_eq!(read_npy(&npy("|u1", false, &huge, &[])), Err(LoadError::TooManyValues));
}

#[test]
fn numbers_that_are_not_finite_are_named() {
    let mut data: Vec<u8> = [0f32; 6].iter().flat_map(|x| x.to_le_bytes()).collect();
    for (value, n, plain, fortran) in [
        (f32::NAN, 5, [1, 2], [1, 2]),
        (f32::INFINITY, 4, [1, 1], [0, 2]),
        (-f32::INFINITY, 1, [0, 1], [1, 0]),
    ] {
        data[4 * n..4 * n + 4].copy_from_slice(&value.to_le_bytes());
        let refused = |index: [usize; 2]| Err(LoadError::NotFinite { index: index.to_vec() });
        assert_eq!(read_npy(&npy("<f4", false, "(2, 3)", &data)), refused(plain));
        assert_eq!(read_npy(&npy("<f4", true, "(2, 3)", &data)), refused(fortran));
        data[4 * n..4 * n + 4].fill(0);
    }
    assert_eq!(read_npy(&npy("|b1", false, "(1,)", &[2])), Err(LoadError::Malformed));
}

#[test]
fn archives() {
    let (a, b) = (npy("|u1", false, "(2,)", &[1, 2]), npy("<i2", false, "()", &[255, 255]));
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let both = npz(&[("a.npy", &a), ("b.npy", &b), ("notes.txt", b"hello")], method);
        let read = |entry| load(&both, "models/W.NPZ", entry);
        assert_eq!(read(Some("a")).unwrap().values, numbers("1 2").into());
        assert_eq!(read(Some("b.npy")).unwrap().values, numbers("-1").into());
        let available = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(read(None), Err(LoadError::EntryNeeded { available: available.clone() }));
        assert_eq!(read(Some("c")), Err(LoadError::NoEntry { available }));
        let one = npz(&[("x/weight.npy", &a)], method);
        assert_eq!(load(&one, "w.npz", None).unwrap().values, numbers("1 2").into());
    }
    assert_eq!(
        load(&npz(&[], CompressionMethod::Stored), "w.npz", None),
        Err(LoadError::EntryNeeded { available: vec![] })
    );
    assert_eq!(load(b"PK", "w.npz", None), Err(LoadError::Malformed));
}

#[test]
fn damage_in_an_archive_is_found() {
    let data: Vec<u8> = (0..200).collect();
    let mut bytes = npz(&[("a.npy", &npy("|u1", false, "(200,)", &data))], CompressionMethod::Stored);
    let at = bytes.windows(3).position(|window| window == [100, 101, 102]).unwrap();
    bytes[at] = 0;
    assert_eq!(load(&bytes, "w.npz", None), Err(LoadError::Malformed));
}

#[test]
fn an_archive_may_not_unfold_without_end() {
    let header = npy("|u1", false, &format!("({},)", MAX_VALUES * 9), &[]);
    let bomb = [header, vec![0; MAX_VALUES * 9]].concat();
    let bytes = npz(&[("a.npy", &bomb)], CompressionMethod::Deflated);
    assert!(bytes.len() < 1 << 20);
    assert_eq!(load(&bytes, "w.npz", None), Err(LoadError::TooManyValues));
}

#[test]
fn tensors() {
    let header = r#"{"__metadata__":{"format":"pt"},
        "w":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]},
        "b":{"dtype":"F16","shape":[],"data_offsets":[4,6]},
        "u":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[6,7]},
        "far":{"dtype":"U8","shape":[9],"data_offsets":[0,9]},
        "back":{"dtype":"U8","shape":[1],"data_offsets":[1,0]},
        "vast":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]},
        "short":{"dtype":"I16","shape":[2],"data_offsets":[0,2]}}"#;
    let bytes = safetensors(header, &[0x80, 0x3f, 0x49, 0xc0, 0x00, 0x3c, 0x00]);
    let read = |entry| load(&bytes, "w.safetensors", Some(entry));
    assert_eq!(read("w"), Ok(Loaded { dims: vec![2, 1], values: numbers("1 -3.140625").into() }));
    assert_eq!(read("b"), Ok(Loaded { dims: vec![], values: numbers("1").into() }));
    assert_eq!(read("u"), Err(LoadError::UnsupportedType { name: "F8_E4M3".to_owned() }));
    for entry in ["far", "back", "vast", "short"] {
        assert_eq!(read(entry), Err(LoadError::WrongLength), "{entry}");
    }
    let Err(LoadError::NoEntry { available }) = read("none") else { panic!("there is no such entry") };
    assert_eq!(available, ["b", "back", "far", "short", "u", "vast", "w"]);
    let one = safetensors(r#"{"w":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}  "#, &[255; 4]);
    assert_eq!(load(&one, "w.safetensors", None).unwrap().values, numbers("-1").into());
    for header in ["", "[]", r#"{"w":{"dtype":"I32","shape":"1","data_offsets":"0"}}"#, &"[".repeat(100_000)]
    {
        assert_eq!(load(&safetensors(header, &[]), "w.safetensors", None), Err(LoadError::Malformed));
    }
    assert_eq!(load(&u64::MAX.to_le_bytes(), "w.safetensors", None), Err(LoadError::Malformed));
}

#[test]
fn the_extension_tells_the_format() {
    let bytes = npy("|u1", false, "()", &[7]);
    assert_eq!(load(&bytes, "w.npy", Some("w")), Err(LoadError::SingleArray));
    for name in ["w", "w.pt", "w.npy.txt", ""] {
        assert_eq!(load(&bytes, name, None), Err(LoadError::UnknownFormat), "{name}");
    }
    assert_eq!(load(&bytes, "w.npz", None), Err(LoadError::Malformed));
}

proptest! {
    #[test]
    fn floats_are_the_numbers_they_are(singles in prop::collection::vec(any::<u32>(), 1..20), doubles in prop::collection::vec(any::<u64>(), 1..20)) {
        let singles: Vec<f32> = singles.into_iter().map(f32::from_bits).filter(|x| x.is_finite()).collect();
        let doubles: Vec<f64> = doubles.into_iter().map(f64::from_bits).filter(|x| x.is_finite()).collect();
        let exact = |x: f64| Rational::from_f64(x).unwrap();
        let bytes: Vec<u8> = singles.iter().flat_map(|x| x.to_le_bytes()).collect();
        let file = npy("<f4", false, &format!("({},)", singles.len()), &bytes);
        prop_assert_eq!(values(&file), singles.iter().map(|&x| exact(x.into())).collect::<Vec<_>>());
        let bytes: Vec<u8> = doubles.iter().flat_map(|x| x.to_be_bytes()).collect();
        let file = npy(">f8", false, &format!("({},)", doubles.len()), &bytes);
        prop_assert_eq!(values(&file), doubles.iter().map(|&x| exact(x)).collect::<Vec<_>>());
    }

    /// A bfloat16 is the upper half of a float32.
    #[test]
    fn bfloat16_is_half_a_float32(bits: u16) {
        let file = safetensors(r#"{"w":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}"#, &bits.to_le_bytes());
        let read = load(&file, "w.safetensors", None).map(|loaded| loaded.values.get(0).unwrap());
        match Rational::from_f64(f32::from_bits(u32::from(bits) << 16).into()) {
            Some(value) => prop_assert_eq!(read, Ok(value)),
            None => prop_assert_eq!(read, Err(LoadError::NotFinite { index: vec![0] })),
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), header in ".{0,80}") {
        for (name, entry) in [("a.npy", None), ("a.npz", None), ("a.npz", Some("a")), ("a.safetensors", None)] {
            let _ = load(&bytes, name, entry);
        }
        let _ = read_npy(&npy_with(&header, &bytes));
        let _ = read_npy(&npy_with(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {header}"), &bytes));
        let _ = load(&safetensors(&header, &bytes), "a.safetensors", None);
    }

    #[test]
    fn damaged_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        deflate: bool,
    ) {
        let array = npy("<f8", true, "(2, 3)", &[63; 48]);
        let method = if deflate { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        let tensors = safetensors(r#"{"w":{"dtype":"F64","shape":[2,3],"data_offsets":[0,48]}}"#, &[63; 48]);
        for (name, mut bytes) in [("a.npz", npz(&[("a.npy", &array)], method)), ("a.npy", array), ("a.safetensors", tensors)] {
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            if let Ok(loaded) = load(&bytes, name, None) {
                prop_assert_eq!(loaded.values.len(), loaded.dims.iter().product::<usize>());
            }
            bytes.truncate(cut.index(bytes.len()));
            let _ = load(&bytes, name, None);
        }
    }
}
