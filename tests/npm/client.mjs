// OpenAI's own package against a running server: node client.mjs URL. Fails with the first thing that is not as it should be.
import assert from "node:assert/strict";
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ baseURL: process.argv[2] + "/v1", apiKey: "none", maxRetries: 0 });
const model = "hypr-tiny";
const messages = [{ role: "user", content: "Tell me a story about a dog." }];
const greedy = { model, messages, max_tokens: 24, temperature: 0 };

const checks = {
  async "lists models"() {
    const ids = [];
    for await (const one of client.models.list()) ids.push(one.id);
    assert.deepEqual(ids, [model, "pirate"]);
  },
  async "streams what it answers as a whole"() {
    const whole = await client.chat.completions.create(greedy);
    assert.equal(whole.usage.completion_tokens, 24);
    let text = "";
    let usage;
    for await (const chunk of await client.chat.completions.create({ ...greedy, stream: true, stream_options: { include_usage: true } })) {
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, whole.choices[0].message.content);
    assert.equal(usage.completion_tokens, 24);
  },
  async "uses an adapter"() {
    const first = async (name) => {
      const answer = await client.chat.completions.create({ ...greedy, model: name, max_tokens: 1, logprobs: true });
      return answer.choices[0].logprobs.content[0].logprob;
    };
    assert.notEqual(await first("pirate"), await first(model));
  },
  async "completes several prompts"() {
    const answer = await client.completions.create({ model, prompt: ["Once upon a time", "The dog"], max_tokens: 5, temperature: 0 });
    assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1]);
    assert.ok(answer.choices.every((choice) => choice.text.length > 0));
  },
  async "embeds, in the encoding that it asks for by itself"() {
    const [by_default, plain] = await Promise.all(
      [undefined, "float"].map((encoding_format) => client.embeddings.create({ model, input: ["A dog."], encoding_format })),
    );
    const length = Math.hypot(...plain.data[0].embedding);
    assert.ok(Math.abs(length - 1) < 1e-3);
    by_default.data[0].embedding.forEach((value, i) => assert.ok(Math.abs(value - plain.data[0].embedding[i]) < 1e-3));
  },
  async "calls a tool"() {
    const parameters = { type: "object", properties: { city: { type: "string", maxLength: 10 } }, required: ["city"], additionalProperties: false };
    const answer = await client.chat.completions.create({
      ...greedy,
      max_tokens: 100,
      tools: [{ type: "function", function: { name: "get_weather", parameters } }],
      tool_choice: "required",
      parallel_tool_calls: false,
    });
    assert.equal(answer.choices[0].finish_reason, "tool_calls");
    const call = answer.choices[0].message.tool_calls[0].function;
    assert.equal(call.name, "get_weather");
    assert.deepEqual(Object.keys(JSON.parse(call.arguments)), ["city"]);
  },
  async "keeps to a schema"() {
    const schema = { type: "object", properties: { age: { type: "integer", minimum: 1, maximum: 9 } }, required: ["age"], additionalProperties: false };
    const answer = await client.chat.completions.create({
      ...greedy,
      max_tokens: 50,
      response_format: { type: "json_schema", json_schema: { name: "age", schema } },
    });
    const { age } = JSON.parse(answer.choices[0].message.content);
    assert.ok(age >= 1 && age <= 9);
  },
  async "stores a file"() {
    const made = await client.files.create({ file: await toFile(Buffer.from('{"text": "Ahoy"}\n'), "train.jsonl"), purpose: "fine-tune" });
    assert.equal(await (await client.files.content(made.id)).text(), '{"text": "Ahoy"}\n');
    assert.equal((await client.files.delete(made.id)).deleted, true);
  },
  async "tells errors apart"() {
    await assert.rejects(client.chat.completions.create({ ...greedy, model: "nobody" }), (error) => error.status === 404 && error.code === "model_not_found");
    await assert.rejects(client.chat.completions.create({ ...greedy, temperature: "hot" }), (error) => error instanceof OpenAI.BadRequestError && error.param === "temperature");
  },
  async "may leave in the middle"() {
    const stream = await client.chat.completions.create({ ...greedy, max_tokens: 900, stream: true });
    for await (const _ of stream) break;
    stream.controller.abort();
    assert.ok((await client.chat.completions.create(greedy)).choices[0].message.content);
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check();
  console.log(name);
}
