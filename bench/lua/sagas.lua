-- wrk's script: posts a two-branch saga with a fresh gid in every request and judges the body of every response.
-- Arguments: what every gid begins with, the path, the saga's JSON after the gid's value, the mark of a success, and
-- a token or nothing.

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
  thread:set("thread_number", #threads)
end

function init(args)
  body_errors = 0
  sent = 0
  gid_prefix = args[1] .. thread_number .. "-"
  tail = args[3]
  success_mark = args[4]
  local authorization = args[5] and "\r\nAuthorization: Bearer " .. args[5] or ""
  head = "POST " .. args[2] .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port
    .. authorization .. "\r\nContent-Type: application/json\r\nContent-Length: "
end

function request()
  sent = sent + 1
  local body = '{"gid":"' .. gid_prefix .. sent .. '"' .. tail
  return head .. #body .. "\r\n\r\n" .. body
end

function response(status, headers, body)
  -- wrk itself counts the others.
  if status < 400 and not (status < 300 and string.find(body, success_mark, 1, true)) then
    body_errors = body_errors + 1
  end
end

function done(summary, latency, requests)
  local bodies = 0
  for _, thread in ipairs(threads) do
    bodies = bodies + thread:get("body_errors")
  end
  local errors = summary.errors
  io.write(string.format(
    '\nresult {"durationUs":%.0f,"responses":%.0f,"p50Us":%.0f,"p99Us":%.0f,"status":%.0f,"body":%.0f,"connect":%.0f,"read":%.0f,"write":%.0f,"timeout":%.0f}\n',
    summary.duration, summary.requests, latency:percentile(50), latency:percentile(99),
    errors.status, bodies, errors.connect, errors.read, errors.write, errors.timeout))
end
