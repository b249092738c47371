//! The walk in little memory gives the bits of the general one.

use rwt_core::{
    Chain, Denoiser, Error, Mask, MaskWalk, Method, Mixture, PosteriorWalk, Problem, Schedule, WalkError, noise,
};

const PIXELS: usize = 75; // not a multiple of a block of noise
const N: usize = 2 * PIXELS;
const CHAIN: Chain = Chain { seed: 3, chain: 8 };
const METHODS: [Method; 4] = [
    Method::GuidedLookAhead,
    Method::Preconditioned { epsilon: 0.5, temperature: None },
    Method::Preconditioned { epsilon: 1.3, temperature: Some(1.0) },
    Method::Preconditioned { epsilon: 1.0, temperature: Some(0.0) },
];

fn levels() -> [f64; 9] {
    let mut levels = [0.0; 9];
    Schedule::Geometric { sigma_max: 5.0, sigma_min: 0.01 }.levels(&mut levels).unwrap();
    levels
}

/// Two pictures of noise, and a mask that keeps every k-th pixel.
struct Case {
    means: Vec<f32>,
    mask: Vec<u8>,
    y: Vec<f32>,
}

impl Case {
    fn new(every: usize) -> Self {
        let mut means = vec![0.0; 2 * N];
        noise::fill(1, 0, 0, 0, &mut means);
        let mask: Vec<u8> = (0..PIXELS).map(|i| if i % every == 1 { 7 } else { 0 }).collect();
        let y = (0..N).map(|i| if mask[i % PIXELS] != 0 { means[i] + 0.1 } else { 0.0 }).collect();
        Self { means, mask, y }
    }

    fn prior(&self) -> Mixture<'_> {
        Mixture::new(&[0.0, 0.3], &self.means, 0.02).unwrap()
    }
}

/// The places between levels, and the sample.
fn general(case: &Case, method: Method) -> Vec<Vec<f32>> {
    let (mask, levels) = (Mask::new(&case.mask, 2).unwrap(), levels());
    let problem = Problem::gaussian(&mask, &case.y, 0.05, 0.1, 0.9);
    let (mut x, mut workspace) = (vec![f32::NAN; N], vec![f32::NAN; problem.workspace_len(1)]);
    let mut walk = PosteriorWalk::new(&problem, &levels, method, CHAIN, 1).unwrap();
    let mut places = Vec::new();
    while let Some(request) = walk.request(&mut x, &mut workspace).unwrap() {
        case.prior().denoise(&x, request.sigma, &mut workspace[request.into]).unwrap();
        walk.advance(&mut x, &mut workspace).unwrap();
        places.extend(walk.level().map(|_| x.clone()));
    }
    places.push(x);
    places
}

fn small(case: &Case, y: &[f32], method: Method, from: Option<(usize, &[f32])>) -> Vec<Vec<f32>> {
    let (mask, levels) = (Mask::new(&case.mask, 2).unwrap(), levels());
    let mut walk = MaskWalk::new(mask, y, 0.05, 0.1, 0.9, &levels, method, CHAIN).unwrap();
    let (mut x, mut workspace) = (vec![f32::NAN; N], vec![f32::NAN; walk.workspace_len()]);
    if let Some((level, place)) = from {
        walk = walk.resume(level).unwrap();
        x.copy_from_slice(place);
    }
    let mut places = Vec::new();
    while let Some(request) = walk.request(&mut x, &mut workspace).unwrap() {
        assert_eq!(walk.request(&mut x, &mut workspace).unwrap().as_ref(), Some(&request), "asked twice");
        case.prior().denoise(&x, request.sigma, &mut workspace[request.into]).unwrap();
        walk.advance(&mut x, &mut workspace).unwrap();
        walk.advance(&mut x, &mut workspace).unwrap(); // nothing was asked for
        places.extend(walk.level().map(|_| x.clone()));
    }
    assert_eq!(walk.level(), None);
    places.push(x);
    places
}

#[test]
fn every_place_has_the_bits_of_the_general_walk() {
    for every in [3, 2 * PIXELS] {
        let case = Case::new(every); // at first a third of the pixels, then one
        for method in METHODS {
            let expected = general(&case, method);
            assert_eq!(expected.len(), 9);
            assert_eq!(small(&case, &case.y, method, None), expected, "{method:?}");
        }
    }
}

#[test]
fn without_a_measured_pixel_it_is_the_general_walk_too() {
    let case = Case { mask: vec![0; PIXELS], y: vec![0.0; N], ..Case::new(2) };
    for method in METHODS {
        assert_eq!(small(&case, &case.y, method, None), general(&case, method), "{method:?}");
    }
}

#[test]
fn it_goes_on_from_every_level_with_the_same_bits() {
    let case = Case::new(3);
    for method in METHODS {
        let places = small(&case, &case.y, method, None);
        for level in 1..9 {
            let rest = small(&case, &case.y, method, Some((level, &places[level - 1])));
            assert_eq!(rest, places[level..], "{method:?} from level {level}");
        }
    }
}

#[test]
fn what_y_holds_at_missing_pixels_is_not_read() {
    let case = Case::new(3);
    let y: Vec<_> = (0..N).map(|i| if case.mask[i % PIXELS] != 0 { case.y[i] } else { f32::NAN }).collect();
    for method in METHODS {
        assert_eq!(small(&case, &y, method, None), small(&case, &case.y, method, None));
    }
}

fn refused(mask: Mask<'_>, y: &[f32], levels: &[f64], method: Method) -> String {
    MaskWalk::new(mask, y, 0.05, 0.0, 1.0, levels, method, CHAIN).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_is_named() {
    let mask = Mask::new(&[1, 0], 1).unwrap();
    let gla = Method::GuidedLookAhead;
    let template = Method::Template { epsilon: 0.5, first_temperature: 0.0 };
    for (said, found) in [
        (refused(mask, &[0.0; 3], &[1.0, 0.1], gla), "y must have 2 elements, found 3"),
        (refused(mask, &[f32::NAN, 0.0], &[1.0, 0.1], gla), "y must be finite"),
        (refused(mask, &[0.0; 2], &[1.0], gla), "at least 2"),
        (refused(mask, &[0.0; 2], &[1.0, 1.0], gla), "noise level 1"),
        (refused(mask, &[0.0; 2], &[1.0, 0.1], template), "method must be guided look-ahead or"),
        (refused(mask, &[0.0; 2], &[1.0, 0.1], Method::Preconditioned { epsilon: 2.0, temperature: None }), "epsilon"),
    ] {
        assert!(said.contains(found), "{said}");
    }
    let new = |eta: f64, mean: f64, variance: f64| {
        MaskWalk::new(mask, &[0.0; 2], eta, mean, variance, &[1.0, 0.1], gla, CHAIN).map(|_| ())
    };
    for number in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(new(number, 0.0, 1.0), Err(Error::Parameter { name: "eta", .. })));
        assert!(matches!(new(0.1, 0.0, number), Err(Error::Parameter { name: "variance", .. })));
    }
    assert!(matches!(new(0.1, f64::NAN, 1.0), Err(Error::Parameter { name: "mean", .. })));
}

#[test]
fn arrays_of_other_lengths_and_nan_from_the_denoiser_are_errors() {
    let mask = Mask::new(&[1, 0], 1).unwrap();
    let gla = Method::GuidedLookAhead;
    let mut walk = MaskWalk::new(mask, &[0.0; 2], 0.05, 0.0, 1.0, &[1.0, 0.1], gla, CHAIN).unwrap();
    assert!(walk.resume(2).is_err());
    assert!(matches!(walk.request(&mut [0.0; 3], &mut [0.0; 4]), Err(Error::Length { name: "x", .. })));
    assert!(matches!(walk.request(&mut [0.0; 2], &mut [0.0; 5]), Err(Error::Length { name: "workspace", .. })));
    let (mut x, mut workspace) = ([0.0; 2], [0.0; 4]);
    let request = walk.request(&mut x, &mut workspace).unwrap().unwrap();
    workspace[request.into][1] = f32::NAN;
    let error = walk.advance(&mut x, &mut workspace).unwrap_err();
    assert!(matches!(error, WalkError::NotFinite { row: 0, element: 1, .. }), "{error}");
}
