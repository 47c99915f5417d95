/** What a person writes to see LLM calls here. */
export const START = `import otel_ax

otel_ax.configure(service_name="shop", auto=True)`;

/** What a person writes to see prompts and completions. */
export const CAPTURE = `otel_ax.configure(service_name="shop", content=True)

# or where the program is started:
#   AX_CONTENT=true
# or, with an instrumentation of OpenTelemetry's:
#   OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY`;
