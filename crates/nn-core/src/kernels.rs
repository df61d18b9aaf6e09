//! The arithmetic that takes the time, and all `unsafe` of the project.
//!
//! Three products, as forward and backward need them, and the element-wise loops between them.
//! Each is checked against a plain triple loop (`reference`, in the tests). Every element of a
//! result is summed in an order that depends on the shapes alone, never on a thread.

pub(crate) mod isa;
mod product;
#[cfg(test)]
mod reference;

use crate::buffer::{MatrixView, MatrixViewMut};
use product::Right;

/// Whether a product replaces the destination or is added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accum {
    Replace,
    Add,
}

/// `c = a b` or `c += a b`.
#[track_caller]
pub(crate) fn matmul(c: MatrixViewMut<'_>, accum: Accum, a: MatrixView<'_>, b: MatrixView<'_>) {
    product::multiply(isa::arch(), c, accum, a, Right::Plain(b));
}

/// `c = a bT` or `c += a bT`.
#[track_caller]
pub(crate) fn matmul_bt(c: MatrixViewMut<'_>, accum: Accum, a: MatrixView<'_>, b: MatrixView<'_>) {
    product::multiply(isa::arch(), c, accum, a, Right::Transposed(b));
}

/// `c = aT b`.
#[track_caller]
pub(crate) fn matmul_at(c: MatrixViewMut<'_>, a: MatrixView<'_>, b: MatrixView<'_>) {
    product::multiply_transposed(isa::arch(), c, a, b);
}

/// `y = max(x, 0)`.
#[track_caller]
pub(crate) fn relu(x: MatrixView<'_>, mut y: MatrixViewMut<'_>) {
    assert_eq!(x.shape(), y.shape(), "shapes of ReLU's input and output");
    isa::arch().dispatch(
        #[inline(always)]
        || {
            for (x, mut y) in x.column_iter().zip(y.column_iter_mut()) {
                for (y, &x) in y.as_mut_slice().iter_mut().zip(x.as_slice()) {
                    // A comparison, not `max`: a NaN stays NaN and shows in the loss.
                    *y = if x < 0.0 { 0.0 } else { x };
                }
            }
        },
    );
}

/// `dx = dy` where `y > 0`, else 0.
#[track_caller]
pub(crate) fn relu_backward(y: MatrixView<'_>, dy: MatrixView<'_>, mut dx: MatrixViewMut<'_>) {
    assert_eq!((y.shape(), dy.shape()), (dx.shape(), dx.shape()), "shapes of ReLU's gradient");
    isa::arch().dispatch(
        #[inline(always)]
        || {
            let columns = y.column_iter().zip(dy.column_iter()).zip(dx.column_iter_mut());
            for ((y, dy), mut dx) in columns {
                let sources = y.as_slice().iter().zip(dy.as_slice());
                for (dx, (&y, &dy)) in dx.as_mut_slice().iter_mut().zip(sources) {
                    *dx = if y > 0.0 { dy } else { 0.0 };
                }
            }
        },
    );
}

/// `x = (byte - mean) * factor`.
#[track_caller]
pub(crate) fn scale(bytes: &[u8], mean: f32, factor: f32, x: &mut [f32]) {
    assert_eq!(bytes.len(), x.len(), "lengths of bytes and inputs");
    isa::arch().dispatch(
        #[inline(always)]
        || {
            for (x, &byte) in x.iter_mut().zip(bytes) {
                *x = (f32::from(byte) - mean) * factor;
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use pulp::Arch;

    use super::{isa::InstructionSet, *};

    /// Numbers that a wrong index, stride or sign changes, exactly representable and small enough
    /// that sums of products are exact in `f32`: the oracle must agree to the bit.
    fn matrix(rows: usize, columns: usize, salt: usize) -> DMatrix<f32> {
        DMatrix::from_fn(rows, columns, |i, j| ((i * 31 + j * 17 + salt * 7) % 23) as f32 - 11.0)
    }

    /// What this machine can run.
    fn archs() -> impl Iterator<Item = (InstructionSet, Arch)> {
        InstructionSet::ALL.into_iter().filter_map(|set| Some((set, set.arch()?)))
    }

    #[track_caller]
    fn check(m: usize, n: usize, k: usize) {
        let (a, b, before) = (matrix(m, k, 1), matrix(k, n, 2), matrix(m, n, 3));
        let (at, bt) = (a.transpose(), b.transpose());
        let replaced = reference::product(&a, &b);
        let added = &before + &replaced;
        for (set, arch) in archs() {
            for (accum, expected) in [(Accum::Replace, &replaced), (Accum::Add, &added)] {
                for right in [Right::Plain(b.as_view()), Right::Transposed(bt.as_view())] {
                    let mut c = before.clone();
                    product::multiply(arch, c.as_view_mut(), accum, a.as_view(), right);
                    assert_eq!(&c, expected, "{m} x {n} x {k}, {accum:?}, {right:?}, {set:?}");
                }
            }
            let mut c = before.clone();
            product::multiply_transposed(arch, c.as_view_mut(), at.as_view(), b.as_view());
            assert_eq!(c, replaced, "{m} x {n} x {k}, left transposed, {set:?}");
        }
    }

    #[test]
    fn products_agree_with_the_triple_loop() {
        const SIZES: [usize; 8] = [1, 2, 5, 7, 16, 63, 65, 130];
        for m in SIZES {
            for n in SIZES {
                for k in SIZES {
                    check(m, n, k);
                }
            }
        }
        for (m, n, k) in [(5, 3, 0), (0, 3, 5), (5, 0, 3), (0, 0, 0)] {
            check(m, n, k);
        }
        check(128, 32, 784);
        check(10, 128, 128);
    }

    /// The processor is told apart, and a choice stays.
    #[test]
    fn the_best_instruction_set_is_used_unless_another_was_chosen() {
        let (best, _) = archs().next().unwrap();
        assert_eq!(InstructionSet::current(), best);
        for set in InstructionSet::ALL {
            assert_eq!(set.choose(), set == best, "{set:?}");
        }
    }

    #[test]
    fn products_of_views_leave_the_rest_alone() {
        let (a, b) = (matrix(9, 8, 1), matrix(6, 20, 2));
        let mut c = matrix(9, 20, 3);
        let expected = {
            let mut expected = c.clone();
            let inner =
                reference::product(&a.columns(1, 6).into_owned(), &b.columns(4, 11).into_owned());
            expected.columns_mut(5, 11).copy_from(&inner);
            expected
        };
        matmul(c.columns_mut(5, 11), Accum::Replace, a.columns(1, 6), b.columns(4, 11));
        assert_eq!(c, expected);
    }

    #[test]
    #[should_panic(expected = "shapes of a product")]
    fn mismatched_shapes_panic() {
        let mut c = matrix(3, 3, 0);
        matmul(
            c.as_view_mut(),
            Accum::Replace,
            matrix(3, 4, 0).as_view(),
            matrix(5, 3, 0).as_view(),
        );
    }

    #[test]
    fn relu_and_its_gradient() {
        for (rows, columns) in [(1, 1), (5, 3), (7, 1), (63, 2), (65, 5), (128, 4)] {
            let (x, dy) = (matrix(rows, columns, 4), matrix(rows, columns, 5));
            let mut y = matrix(rows, columns, 6);
            relu(x.as_view(), y.as_view_mut());
            assert_eq!(y, x.map(|x| x.max(0.0)));
            let mut dx = matrix(rows, columns, 6);
            relu_backward(y.as_view(), dy.as_view(), dx.as_view_mut());
            assert_eq!(dx, x.zip_map(&dy, |x, dy| if x > 0.0 { dy } else { 0.0 }));
        }
        let mut y = DMatrix::zeros(1, 1);
        relu(DMatrix::from_element(1, 1, f32::NAN).as_view(), y.as_view_mut());
        assert!(y[0].is_nan());
    }
}
