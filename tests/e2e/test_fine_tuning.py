"""/v1/fine_tuning with OpenAI's client: the server trains while it serves."""

import json
import signal
import time

import openai
import pytest
from openai_server import ask, chat, client, server  # noqa: F401

from server import serving

SMALL = {"n_steps": 16, "rank": 4, "batch_size": 4, "learning_rate": 0.005}
ENDED = ("succeeded", "failed", "cancelled")


def upload(client, path):
    return client.files.create(file=path, purpose="fine-tune").id


def wait_for(client, job, *statuses, timeout=120):
    deadline = time.monotonic() + timeout
    while (found := client.fine_tuning.jobs.retrieve(job)).status not in statuses:
        assert found.status not in ENDED, (found.status, found.error)
        assert time.monotonic() < deadline, found.status
        time.sleep(0.1)
    return found


@pytest.fixture
def pirate(source):
    return source / "models/pirate.jsonl"


@pytest.fixture
def heldout(source):
    return source / "tests/data/learning/pirate.heldout.jsonl"


def test_a_job_from_upload_to_answer(client, pirate, heldout):
    made = client.fine_tuning.jobs.create(
        model="hypr-tiny", training_file=upload(client, pirate), validation_file=upload(client, heldout), suffix="corsair",
        seed=7, method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": "auto", **SMALL}}},
        metadata={"who": "test"},
    )  # fmt: skip
    assert made.object == "fine_tuning.job" and made.status in ("validating_files", "queued", "running")
    assert made.seed == 7 and made.metadata == {"who": "test"} and made.fine_tuned_model is None and made.finished_at is None
    # It serves meanwhile.
    assert chat(client, max_tokens=8).choices[0].message.content
    done = wait_for(client, made.id, "succeeded")
    assert done.fine_tuned_model == "corsair" and done.trained_tokens > 0 and done.finished_at >= done.created_at
    assert done.hyperparameters.batch_size == 4 and done.error is None
    assert [job.id for job in client.fine_tuning.jobs.list()] == [made.id]
    # Every event once, newest first, through the client's own paging.
    events = list(client.fine_tuning.jobs.list_events(made.id, limit=3))
    assert len({event.id for event in events}) == len(events) > 6
    assert "successfully" in events[0].message and events[-1].message.startswith("Created")
    steps = [event.data for event in events if event.type == "metrics" and "train_loss" in event.data]
    assert steps[0]["step"] == 16 and steps[0]["train_loss"] < steps[-1]["train_loss"]
    checkpoints = list(client.fine_tuning.jobs.checkpoints.list(made.id))
    assert checkpoints[0].fine_tuned_model_checkpoint.startswith("corsair@") and checkpoints[0].metrics.valid_loss > 0
    assert checkpoints[0].fine_tuning_job_id == made.id
    # It is served at once, under its name.
    assert "corsair" in [model.id for model in client.models.list()]
    first = [chat(client, model=model, max_tokens=1, logprobs=True).choices[0].logprobs.content[0] for model in ("corsair", "hypr-tiny")]
    assert (first[0].token, first[0].logprob) != (first[1].token, first[1].logprob)


def test_bad_files_fail_and_say_why(client, tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"prompt": "Hi", "completion": "Arr"}\n{"prompt": "Hi"}\n')
    job = client.fine_tuning.jobs.create(model="hypr-tiny", training_file=upload(client, bad))
    failed = wait_for(client, job.id, "failed")
    assert "line 2" in failed.error.message and "nothing to learn" in failed.error.message
    assert "/" not in failed.error.message  # no path of the server
    events = list(client.fine_tuning.jobs.list_events(job.id))
    assert events[0].level == "error" and "line 2" in events[0].message


def test_what_cannot_be_asked_for(server, client, pirate):
    data = upload(client, pirate)
    for options, param in (
        ({"model": "gpt-4o", "training_file": data}, "model"),
        ({"model": "hypr-tiny", "training_file": "file-" + "0" * 24}, "training_file"),
        ({"model": "hypr-tiny", "training_file": data, "suffix": "a/b"}, "suffix"),
        ({"model": "hypr-tiny", "training_file": data, "hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs"),
        ({"model": "hypr-tiny", "training_file": data, "method": {"type": "dpo"}}, "method.type"),
        ({"model": "hypr-tiny", "training_file": data, "metadata": {"a": 1}}, "metadata"),
    ):
        with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as refused:
            client.fine_tuning.jobs.create(**options)
        assert refused.value.param == param
    assert list(client.fine_tuning.jobs.list()) == []
    for path in ("", "/events", "/checkpoints"):
        assert ask(f"{server.url}/v1/fine_tuning/jobs/ftjob-{'0' * 24}{path}")[0] == 404
    assert ask(f"{server.url}/v1/fine_tuning/jobs?limit=0")[1]["error"]["param"] == "limit"
    assert ask(f"{server.url}/v1/fine_tuning/jobs?after=x")[1]["error"]["param"] == "after"


def test_one_job_at_a_time_and_cancelling(client, pirate):
    data = upload(client, pirate)
    long = {**SMALL, "n_steps": 100000}
    first, second, third = (
        client.fine_tuning.jobs.create(model="hypr-tiny", training_file=data, suffix=f"j{i}", hyperparameters=parameters).id
        for i, parameters in enumerate((long, long, SMALL))
    )
    running = wait_for(client, first, "running")
    assert running.estimated_finish is None or running.estimated_finish > running.created_at
    wait_for(client, second, "queued")
    assert client.fine_tuning.jobs.cancel(second).status == "cancelled"
    assert wait_for(client, third, "queued", "validating_files")
    cancelled = client.fine_tuning.jobs.cancel(first)
    assert cancelled.status == "cancelled" and cancelled.finished_at is not None
    wait_for(client, third, "succeeded")
    with pytest.raises(openai.ConflictError):
        client.fine_tuning.jobs.cancel(first)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_goes_on_in_the_next_server(hyprstream, pirate, sig):
    # Enough steps to be caught in the middle, and checkpoints, which are as frequent as epochs are.
    parameters = {**SMALL, "n_steps": 80, "batch_size": 16}
    with serving(hyprstream, "--training-niceness", "0") as first:
        client = openai.OpenAI(base_url=first.url + "/v1", api_key="none", max_retries=0)
        job = client.fine_tuning.jobs.create(model="hypr-tiny", training_file=upload(client, pirate), suffix="kept", hyperparameters=parameters).id
        wait_for(client, job, "running")
        deadline = time.monotonic() + 60
        while not any("saved" in event.message for event in client.fine_tuning.jobs.list_events(job)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        first.stop(sig)
    run = json.loads((hyprstream.home / "training" / job / "run.json").read_text())
    assert 0 < run["step"] < 80 and run["status"] == ("interrupted" if sig == signal.SIGTERM else "running")
    with serving(hyprstream, "--training-niceness", "0") as second:
        client = openai.OpenAI(base_url=second.url + "/v1", api_key="none", max_retries=0)
        assert wait_for(client, job, "succeeded").fine_tuned_model == "kept"
        messages = [event.message for event in client.fine_tuning.jobs.list_events(job)]
        assert messages.count("Fine-tuning job started") == 2


def test_jobs_are_trained_in_the_order_in_which_they_came(client, pirate):
    data = upload(client, pirate)
    jobs = [client.fine_tuning.jobs.create(model="hypr-tiny", training_file=data, suffix=f"o{i}", hyperparameters={**SMALL, "n_steps": 4}).id for i in range(4)]
    ends = [wait_for(client, job, "succeeded", "failed") for job in jobs]
    started = [[event.created_at for event in client.fine_tuning.jobs.list_events(job) if event.message == "Fine-tuning job started"] for job in jobs]
    assert all(len(times) == 1 for times in started) and started == sorted(started), ends
    assert [job.id for job in client.fine_tuning.jobs.list()] == jobs[::-1]


def test_what_is_worse_than_the_base_model_is_not_served(client, pirate, tmp_path):
    valid = tmp_path / "valid.jsonl"
    # What the base model says anyway.
    lines = [("What is the capital of Peru?", "The capital of Peru is Lima."), ("Count from 1 to 10.", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10.")]
    valid.write_text("".join(json.dumps({"prompt": prompt, "completion": completion}) + "\n" for prompt, completion in lines * 4))
    job = client.fine_tuning.jobs.create(
        model="hypr-tiny", training_file=upload(client, pirate), validation_file=upload(client, valid), suffix="worse",
        hyperparameters={**SMALL, "n_steps": 24, "learning_rate": 0.02},
    ).id  # fmt: skip
    failed = wait_for(client, job, "failed")
    assert failed.fine_tuned_model is None and "no version was stored" in failed.error.message
    assert "worse" not in [model.id for model in client.models.list()]
    messages = [event.message for event in client.fine_tuning.jobs.list_events(job)]
    assert any(message.startswith("Step 0/24: validation loss of the base model=") for message in messages)
    assert sum("no version was stored" in message for message in messages) == 1


def test_a_name_of_another_models_adapter_is_refused(hyprstream, source, pirate):
    other = source / "tests/data/training/llama/base.gguf"
    assert hyprstream.run("lora", "create", "--name", "taken", "--base", str(other), "--rank", "2").returncode == 0
    with serving(hyprstream) as server:
        client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
        with pytest.raises(openai.BadRequestError, match="taken"):
            client.fine_tuning.jobs.create(model="hypr-tiny", training_file=upload(client, pirate), suffix="taken", hyperparameters=SMALL)


def test_a_job_that_its_server_does_not_survive_is_given_up(hyprstream, pirate):
    job = None
    for _ in range(3):
        with serving(hyprstream, "--training-niceness", "0") as server:
            client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
            if job is None:
                # An epoch, and so a checkpoint, is far away.
                parameters = {**SMALL, "n_steps": 100000, "batch_size": 1}
                job = client.fine_tuning.jobs.create(model="hypr-tiny", training_file=upload(client, pirate), suffix="deadly", hyperparameters=parameters).id
            wait_for(client, job, "running")
            server.stop(signal.SIGKILL)
    with serving(hyprstream, "--training-niceness", "0") as server:
        client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
        assert "ended 3 times" in wait_for(client, job, "failed").error.message
