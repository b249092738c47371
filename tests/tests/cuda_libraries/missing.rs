//! Libraries that are missing, too old or fail, and steps that are too small for them.

use super::*;

/// What is used of libraries that cannot be used, for D by our own kernels to the last bit.
fn nothing_is_used() -> Vec<String> {
    let mut planned = Planned::new(&model(), Libraries::Everywhere, 1, [8, 8], SIGMA);
    assert_eq!(bits(&planned.evaluate()), bits(&own(&model(), 1, [8, 8])));
    let used = planned.used();
    assert_eq!((used.cudnn, used.cublas_lt), (0, 0));
    used.refused.clone()
}

#[test]
fn without_libraries_our_own_kernels_do_the_work() {
    with_folders("missing::without_libraries_our_own_kernels_do_the_work", &folder(&[]), &[], |_| {
        let refused = nothing_is_used();
        assert!(refused.len() == 2, "{refused:?}");
        assert!(refused[0].starts_with("cuBLASLt: libcublasLt.so.13: ") && refused[0].contains("libcublasLt.so.12: "));
        assert!(refused[1].starts_with("cuDNN: libcudnn.so.9: "), "{refused:?}");
    });
}

#[test]
fn libraries_are_found_where_the_loader_looks() {
    let test = "missing::libraries_are_found_where_the_loader_looks";
    let folder = both();
    let variables = [("LD_LIBRARY_PATH", folder.to_str().unwrap()), (FOLDERS, "")];
    mock_cuda::in_modes(test, &[Mode::Source], &variables, |_| {
        let planned = Planned::new(&model(), Libraries::Everywhere, 1, [8, 8], SIGMA);
        assert!(planned.used().cudnn > 10, "{:?}", planned.used());
    });
}

#[test]
fn folders_must_be_absolute() {
    with_folders("missing::folders_must_be_absolute", Path::new("some/folder"), &[], |_| {
        let refused = nothing_is_used();
        assert!(
            refused.iter().all(|line| line.contains("expected absolute folders, found some/folder")),
            "{refused:?}"
        );
    });
}

#[test]
fn old_libraries_are_not_used() {
    let versions = [("RWT_MOCK_CUDNN", "8907"), ("RWT_MOCK_CUBLASLT", "111103")];
    with_folders("missing::old_libraries_are_not_used", &both(), &versions, |_| {
        let refused = nothing_is_used();
        assert!(refused[0].contains("it is version 11.11, at least 12.0 is needed"), "{refused:?}");
        assert!(refused[1].contains("it is version 8.9, at least 9.0 is needed"), "{refused:?}");
    });
}

#[test]
fn what_fails_while_it_is_planned_is_our_own_kernels_work() {
    let folder = folder(&[CUDNN]);
    with_folders("missing::what_fails_while_it_is_planned_is_our_own_kernels_work", &folder, &[], |_| {
        let libraries = MockLibraries::open(&folder.join(CUDNN));
        let calls = [
            "cudnnConvolutionForward",
            "cudnnGetConvolutionForwardWorkspaceSize",
            "cudnnGetConvolutionForwardAlgorithm_v7",
            "cudnnSetConvolutionMathType",
            "cudnnSetConvolutionGroupCount",
            "cudnnSetConvolution2dDescriptor",
            "cudnnSetFilter4dDescriptor",
            "cudnnCreateConvolutionDescriptor",
            "cudnnCreateFilterDescriptor",
            "cudnnSetTensor4dDescriptorEx",
            "cudnnCreateTensorDescriptor",
            "cudnnSetStream",
            "cudnnCreate",
        ];
        for call in calls {
            libraries.fail(call, 0, 3000); // and those before stay
            let refused = nothing_is_used();
            // without a workspace there is no algorithm
            let named = call.replace("WorkspaceSize", "Algorithm_v7");
            assert!(refused.iter().any(|line| line.contains(&named)), "{call}: {refused:?}");
        }
        let [made, returned] = ["made", "returned"].map(|name| libraries.counter(name));
        assert!(made > 100 && made == returned, "{made} were made, {returned} were given back");
    });
}

#[test]
fn what_fails_of_products_is_our_own_kernels_work() {
    let test = "missing::what_fails_of_products_is_our_own_kernels_work";
    let Some(networks) = written(test, "tests/python/operator_networks.py", &[], "") else { return };
    with_folders(test, &both(), &[], |_| {
        let libraries = MockLibraries::open(&both().join(CUDNN));
        let path = networks.join("attention.onnx");
        let expected = own(&path, 1, [4, 8]);
        let calls = [
            "cublasLtMatmul",
            "cublasLtMatmulAlgoGetHeuristic",
            "cublasLtMatmulPreferenceSetAttribute",
            "cublasLtMatmulPreferenceCreate",
            "cublasLtMatrixLayoutCreate",
            "cublasLtMatmulDescCreate",
            "cublasLtCreate",
        ];
        for call in calls {
            libraries.fail(call, 0, 13);
            let mut planned = Planned::new(&path, Libraries::Everywhere, 1, [4, 8], SIGMA);
            assert_eq!(bits(&planned.evaluate()), bits(&expected), "{call}");
            let used = planned.used();
            assert!(used.cublas_lt == 0 && used.refused.iter().any(|line| line.contains(call)), "{call}: {used:?}");
        }
        let [made, returned] = ["made", "returned"].map(|name| libraries.counter(name));
        assert!(made > 100 && made == returned, "{made} were made, {returned} were given back");
        // nobody asks where nobody is to be asked
        let mut planned = Planned::new(&path, Libraries::Never, 1, [4, 8], SIGMA);
        assert_eq!(planned.used(), &LibraryUse::default());
        assert_eq!(bits(&planned.evaluate()), bits(&expected));
    });
}

#[test]
fn one_call_that_fails_is_one_kernel_of_ours() {
    with_folders("missing::one_call_that_fails_is_one_kernel_of_ours", &both(), &[], |_| {
        let libraries = MockLibraries::open(&both().join(CUDNN));
        let all = Planned::new(&model(), Libraries::Everywhere, 1, [8, 8], SIGMA).used().cudnn;
        libraries.fail("cudnnConvolutionForward", 3, 5000); // the third of those that are tried
        let mut planned = Planned::new(&model(), Libraries::Everywhere, 1, [8, 8], SIGMA);
        let far = relative(&planned.evaluate(), &own(&model(), 1, [8, 8]));
        assert!(far < TOLERANCE && planned.used().cudnn == all - 1, "{far}, {:?}", planned.used());
        // later there is nobody else to do it
        libraries.fail("cudnnConvolutionForward", 2, 5000);
        let error = planned.enqueue().unwrap_err();
        let text = "cuDNN: cudnnConvolutionForward failed: status 5000, the mock's refusal";
        assert!(matches!(error, Error::Library { .. }) && error.to_string() == text, "{error}");
        assert!(relative(&planned.evaluate(), &own(&model(), 1, [8, 8])) < TOLERANCE);
    });
}

#[test]
fn small_steps_are_not_worthwhile() {
    with_folders("missing::small_steps_are_not_worthwhile", &both(), &[], |_| {
        let mut planned = Planned::new(&model(), Libraries::WhereWorthwhile, 1, [8, 8], SIGMA);
        assert_eq!(planned.used(), &LibraryUse::default());
        assert_eq!(bits(&planned.evaluate()), bits(&own(&model(), 1, [8, 8])));
        // planned alone, each call tried once
        let planned = Planned::new(&model(), Libraries::WhereWorthwhile, 3, [256, 256], SIGMA);
        let all = Planned::new(&model(), Libraries::Everywhere, 1, [8, 8], SIGMA).used().cudnn;
        println!("{:?} of {all}", planned.used());
        assert!((1..all).contains(&planned.used().cudnn), "{:?}", planned.used());
    });
}
