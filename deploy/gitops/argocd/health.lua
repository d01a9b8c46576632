-- Health of Signature, Pool, Pipeline and PipelineRun for Argo CD, from their conditions.
local health = {status = "Progressing", message = "the operator has not looked at it yet"}
if obj.status == nil or obj.status.conditions == nil then
  return health
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end
local function is(kind)
  return conditions[kind] ~= nil and conditions[kind].status == "True"
end
local function words(kind)
  local condition = conditions[kind]
  if condition == nil then
    return ""
  end
  return (condition.reason or "") .. ": " .. (condition.message or "")
end

-- What was said of a former spec says nothing of this one.
if obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end
if is("Stalled") then
  return {status = "Degraded", message = words("Stalled")}
end
if is("Ready") then
  return {status = "Healthy", message = words("Ready")}
end
if obj.kind == "PipelineRun" and obj.spec.suspend == true then
  return {status = "Suspended", message = "spec.suspend is true"}
end
return {status = "Progressing", message = words("Ready")}
