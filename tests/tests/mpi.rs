//! The MPI example, as a user runs it: however many ranks there are, they draw the same samples and merge the same moments.

use rwt_tests::{exists, output, read_npy, run, scratch, skip};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const CHAINS: usize = 5;

/// The example, built by its own Makefile; `None`, and a line that says so, where there is no MPI.
fn program(test: &str) -> Option<&'static Path> {
    for tool in ["mpicc", "mpirun"] {
        if !exists(tool) {
            skip(test, &format!("{tool} is missing: install libopenmpi-dev and openmpi-bin"));
            return None;
        }
    }
    Some(rwt_tests::example("mpi", "mpi_inpaint"))
}

/// Allow root and more ranks than cores, which Open MPI refuses by itself; ranks that wait leave their core to others.
fn allow(command: &mut Command) -> &mut Command {
    command.envs([("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")]);
    command.envs([("OMPI_MCA_hwloc_base_binding_policy", "none"), ("OMPI_MCA_mpi_yield_when_idle", "1")]);
    command
        .envs([("OMPI_MCA_rmaps_base_oversubscribe", "1"), ("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe")])
}

/// The example on so many ranks in a folder, with a small picture.
fn ranks(program: &Path, count: usize, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("mpirun");
    allow(&mut command).args(["-n", &count.to_string()]).arg(program);
    command.args(["--size", "48", "--levels", "16", "--samples", "--out"]).arg(folder).args(arguments);
    command
}

/// The floats of a .npy file of the picture's shape.
fn picture(path: &Path) -> Vec<f32> {
    read_npy(path, "3, 48, 48")
}

fn farthest(a: &[f32], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max)
}

#[test]
fn any_number_of_ranks_draws_the_same_samples_and_merges_the_same_moments() {
    let Some(program) = program("any_number_of_ranks_draws_the_same_samples_and_merges_the_same_moments") else {
        return;
    };
    let folder = |count: usize| scratch(&format!("mpi-{count}"));
    let folders = [1, 2, 3].map(|count| {
        let folder = folder(count);
        let said = run(&mut ranks(program, count, &folder, &["--chains", &CHAINS.to_string()]));
        assert!(said.contains(&format!("chains: 5 of 5, ranks: {count}")) && said.contains("mean of"), "{said}");
        assert!(folder.join("panel.png").exists());
        folder
    });
    let samples: Vec<_> = (0..CHAINS).map(|k| picture(&folders[0].join(format!("sample-{k}.npy")))).collect();
    assert!(samples[0] != samples[1] && !folders[0].join("sample-5.npy").exists());
    for folder in &folders[1..] {
        for (k, sample) in samples.iter().enumerate() {
            assert!(picture(&folder.join(format!("sample-{k}.npy"))) == *sample, "sample {k} in {}", folder.display());
        }
    }
    // the moments, from the samples that were written
    let pixel = |i: usize| samples.iter().map(move |sample| f64::from(sample[i]));
    let mean: Vec<f64> = (0..samples[0].len()).map(|i| pixel(i).sum::<f64>() / CHAINS as f64).collect();
    let squares = |i: usize| pixel(i).map(|x| (x - mean[i]).powi(2)).sum::<f64>();
    let std: Vec<f64> = (0..mean.len()).map(|i| (squares(i) / (CHAINS - 1) as f64).sqrt()).collect();
    for folder in &folders {
        for (name, expected) in [("mean.npy", &mean), ("std.npy", &std)] {
            let off = farthest(&picture(&folder.join(name)), expected);
            assert!(off < 1e-6, "{name} in {} is off by {off}", folder.display());
        }
    }
}

#[test]
fn ranks_without_chains_do_no_harm() {
    let Some(program) = program("ranks_without_chains_do_no_harm") else { return };
    let means = [(1, "mpi-few-1"), (3, "mpi-few-3")].map(|(count, name)| {
        let folder = scratch(name);
        run(&mut ranks(program, count, &folder, &["--chains", "2"]));
        picture(&folder.join("mean.npy"))
    });
    let expected: Vec<f64> = means[0].iter().map(|&x| f64::from(x)).collect();
    assert!(farthest(&means[1], &expected) < 1e-6);
}

fn refused(output: &Output, problem: &str) -> usize {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(problem) && !said.contains("panicked"), "\"{problem}\" is not in: {said}");
    said.matches(problem).count()
}

#[test]
fn what_is_wrong_is_said_and_ends_every_rank() {
    let Some(program) = program("what_is_wrong_is_said_and_ends_every_rank") else { return };
    let folder = scratch("mpi-wrong");
    let tell =
        |arguments: &[&str], problem: &str| refused(&output(&mut ranks(program, 2, &folder, arguments)), problem);
    assert_eq!(tell(&["--chains", "0"], "--chains: give a whole number from 1"), 1);
    assert_eq!(tell(&["--fast"], "--fast: no such option"), 1);
    assert_eq!(tell(&["nothing.png"], "rank 0: the picture: nothing.png"), 1);
    tell(&["--model", "nothing.onnx"], "the model (--model FILE): cannot read nothing.onnx");
    let help = run(&mut ranks(program, 2, &folder, &["--help"]));
    assert_eq!(help.matches("usage: mpirun").count(), 1, "{help}");
}

#[test]
fn an_interrupt_leaves_the_moments_of_what_was_finished() {
    let Some(program) = program("an_interrupt_leaves_the_moments_of_what_was_finished") else { return };
    let folder = scratch("mpi-interrupt");
    let mut command = Command::new(program); // a single rank, without mpirun, which has signals of its own
    allow(&mut command)
        .args(["--size", "48", "--levels", "4", "--chains", "100000", "--samples", "--out"])
        .arg(&folder);
    command.env_remove("LD_LIBRARY_PATH").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the example");
    while !folder.join("sample-1.npy").exists() {
        std::thread::sleep(Duration::from_millis(20));
        assert!(child.try_wait().expect("its state").is_none(), "it ended by itself");
    }
    run(Command::new("kill").args(["-INT", &child.id().to_string()]));
    let output = child.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("of 100000") && said.contains("stopped"), "{said}");
    picture(&folder.join("mean.npy"));
}
