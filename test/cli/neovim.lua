-- Edits the policy in $POLICY with Neovim's own client of the language server, and prints what came of it as JSON.
vim.cmd('edit ' .. os.getenv('POLICY'))
local command = { os.getenv('NODE'), os.getenv('MAIN'), 'lsp', '--stdio' }
local id = vim.lsp.start_client({ name = 'sallyport', cmd = command, root_dir = vim.fn.getcwd() })
vim.lsp.buf_attach_client(0, id)
local found = {}

local function lines() return vim.api.nvim_buf_get_lines(0, 0, -1, false) end
local function wait_for(condition) assert(vim.wait(10000, condition, 20), 'waited in vain') end
local function go_to(text, offset)
  for row, line in ipairs(lines()) do
    local column = line:find(text, 1, true)
    if column then return vim.api.nvim_win_set_cursor(0, { row, column - 1 + offset }) end
  end
  error('no ' .. text)
end
local function ask(method, params)
  local answers = vim.lsp.buf_request_sync(0, method, params or vim.lsp.util.make_position_params(), 10000)
  return answers[id].result
end
local function has_errors()
  return #vim.diagnostic.get(0, { severity = vim.diagnostic.severity.ERROR }) > 0
end

wait_for(has_errors)
found.error = vim.diagnostic.get(0, { severity = vim.diagnostic.severity.ERROR })[1]

go_to('on_error use ', 13)
found.completions = vim.tbl_map(function(item) return item.label end, ask('textDocument/completion'))
local params = vim.lsp.util.make_range_params()
params.context = { diagnostics = {} }
local fix = ask('textDocument/codeAction', params)[1]
found.fix = fix.title
vim.lsp.util.apply_workspace_edit(fix.edit, 'utf-16')
wait_for(function() return not has_errors() end)

go_to('signal no_sni', 8)
found.hover = ask('textDocument/hover').contents.value
go_to('use medium', 4)
found.definition = ask('textDocument/definition').range.start.line + 1
vim.lsp.buf.rename('middle')
wait_for(function() return vim.fn.search('policy middle', 'nw') > 0 end)

vim.api.nvim_buf_set_lines(0, -1, -1, false, { '', 'define   spare=not client.cleared' })
local formatting = { textDocument = vim.lsp.util.make_text_document_params(), options = { tabSize = 2, insertSpaces = true } }
vim.lsp.util.apply_text_edits(ask('textDocument/formatting', formatting), 0, 'utf-16')
found.text = table.concat(lines(), '\n') .. '\n'

local lenses = ask('textDocument/codeLens', { textDocument = vim.lsp.util.make_text_document_params() })
found.lenses = #lenses
found.run = ask('workspace/executeCommand', lenses[1].command)
io.stdout:write(vim.fn.json_encode(found))
vim.cmd('qa!')
