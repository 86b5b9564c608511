// Starts Swagger UI. An example that is sent as it was shown is sent as it would be shown now:
// market time passes while one reads, and what could be traded then may be over.

const shown = {};

function exampleOf(schema, url, method) {
  const path = new URL(url, location.href).pathname;
  for (const [template, operations] of Object.entries(schema.paths)) {
    const pattern = new RegExp(`^${template.replace(/\{[^}]+\}/g, "[^/]+")}$`);
    const operation = operations[method.toLowerCase()];
    if (operation && pattern.test(path)) {
      return operation.requestBody?.content["application/json"]?.example;
    }
  }
  return undefined;
}

async function refresh(request) {
  if (request.loadSpec || typeof request.body !== "string") return request;
  let body;
  try {
    body = JSON.stringify(JSON.parse(request.body));
  } catch {
    return request;
  }
  const before = exampleOf(shown.schema, request.url, request.method);
  if (body !== JSON.stringify(before)) return request;
  const now = await (await fetch("/openapi.json")).json();
  request.body = JSON.stringify(exampleOf(now, request.url, request.method), null, 2);
  return request;
}

fetch("/openapi.json")
  .then((response) => response.json())
  .then((schema) => {
    shown.schema = schema;
    window.ui = SwaggerUIBundle({
      spec: schema,
      dom_id: "#swagger-ui",
      deepLinking: true,
      tryItOutEnabled: true,
      displayRequestDuration: true,
      requestInterceptor: refresh,
    });
  });
