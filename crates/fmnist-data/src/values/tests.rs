use std::path::Path;

use super::*;
use crate::fixture::refused;

const ALL: [Number; 11] = [
    Number::U8,
    Number::I8,
    Number::U16,
    Number::I16,
    Number::U32,
    Number::I32,
    Number::U64,
    Number::I64,
    Number::F16,
    Number::F32,
    Number::F64,
];

fn header(number: Number, little_endian: bool) -> Header {
    let (path, dims) = (Path::new("x").into(), vec![2]);
    Header { path, dims, number, little_endian, start: 8, shape_at: ShapeAt::Idx }
}

/// A small whole number as this type; `f16` only of 0, 1 and 2.
fn big_endian(number: Number, value: u8) -> Vec<u8> {
    match number {
        Number::F16 => [0_u16, 0x3c00, 0x4000][usize::from(value)].to_be_bytes().to_vec(),
        Number::F32 => f32::from(value).to_be_bytes().to_vec(),
        Number::F64 => f64::from(value).to_be_bytes().to_vec(),
        _ => {
            let mut bytes = vec![0; number.size().into()];
            *bytes.last_mut().unwrap() = value;
            bytes
        }
    }
}

#[test]
fn every_type_in_both_byte_orders() {
    for number in ALL {
        for little in [false, true] {
            let header = header(number, little);
            let mut collected = Collected::new(&header, true);
            for value in [2, 0, 1] {
                let mut bytes = big_endian(number, value);
                if little {
                    bytes.reverse();
                }
                collected.push(&header, &bytes).unwrap();
            }
            assert_eq!(collected.whole().unwrap(), [2, 0, 1], "{number:?}, {little}");
        }
    }
}

#[test]
fn halves_are_exact() {
    for (bits, value) in
        [(0x3800, 0.5), (0xc000, -2.0), (0x0001, 2.0_f64.powi(-24)), (0x7bff, 65504.0)]
    {
        assert_eq!(half(bits), value);
    }
    assert_eq!(half(0x7c00), f64::INFINITY);
    assert!(half(0x7e00).is_nan());
}

fn collect(values: &[f32]) -> Result<Collected, Misfit> {
    let header = header(Number::F32, true);
    let mut collected = Collected::new(&header, true);
    for value in values {
        collected.push(&header, &value.to_le_bytes())?;
    }
    Ok(collected)
}

/// The range of pixels is decided over both sets.
#[test]
fn fractions_are_scaled_if_all_are_fractions() {
    let rule =
        |train: &[f32], test: &[f32]| same_rule([collect(train).unwrap(), collect(test).unwrap()]);
    let thirds = [0.0, 1.0 / 255.0, 0.5, 1.0];
    assert_eq!(rule(&thirds, &[1.0]), Ok(([vec![0, 1, 128, 255], vec![255]], true)));
    assert_eq!(rule(&[0.0, 1.0], &[1.0]), Ok(([vec![0, 255], vec![255]], true)));
    assert_eq!(rule(&[0.0, 1.0], &[2.0, 255.0]), Ok(([vec![0, 1], vec![2, 255]], false)));
    assert_eq!(rule(&[0.5], &[2.0]), Err([UNIT, WHOLE]));
    assert_eq!(rule(&[2.0], &[0.5]), Err([WHOLE, UNIT]));
}

/// The number that rules out the last possibility is named.
#[test]
fn the_first_misfit_is_named() {
    let misfit = |values: &[f32]| {
        let Misfit { index, value } = collect(values).unwrap_err();
        (index, value)
    };
    assert_eq!(misfit(&[0.0, 0.5, 2.0, 0.5]), (2, 2.0));
    assert_eq!(misfit(&[3.0, 0.5]), (1, 0.5));
    assert_eq!(misfit(&[0.0, -1.0]), (1, -1.0));
    assert_eq!(misfit(&[256.0]), (0, 256.0));
    assert!(misfit(&[f32::NAN]).1.is_nan());
    let header = header(Number::F32, false);
    let error = header.misfit(&Misfit { index: 3, value: 256.0 }, "pixel", "a byte");
    let words = ["x: byte 20 (pixel 3): expected a byte, found 256"];
    refused(Err::<(), _>(error), &words).unwrap();
}
