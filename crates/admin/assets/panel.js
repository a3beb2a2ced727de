// The admin panel's script. Every page works without it; what is here saves clicks and warns in time.
// Loaded with type="module": deferred, strict, and nothing of it is global.

const root = document.documentElement;
root.classList.add('js');

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// The server shows times in the reader's zone, which only the browser knows. The next page has it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.split('; ').includes(`haat_zone=${zone}`)) {
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `haat_zone=${zone}; Path=/; SameSite=Lax; Max-Age=31536000${secure}`;
}

// One live region for all short messages. It must be there before its first text, or readers stay silent.
const toast = document.createElement('div');
toast.className = 'toast';
toast.setAttribute('role', 'status');
document.body.append(toast);
let fading;
function say(text) {
  toast.textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => toast.replaceChildren(), 4000);
}

// On arrival: what is wrong first, and the current page's link in sight on a phone's strip.
document.querySelector('.problems')?.setAttribute('tabindex', '-1');
document.querySelector('.problems')?.focus();
const here = document.querySelector('nav.main [aria-current]');
if (here) here.parentElement.scrollLeft = here.offsetLeft - (here.parentElement.clientWidth - here.offsetWidth) / 2;

// Picking rows: "all" follows the rows and the rows follow "all".
function recount() {
  const boxes = all('td.pick input[type=checkbox]');
  const picked = boxes.filter((box) => box.checked).length;
  for (const box of all('input[data-pick-all]')) {
    box.checked = picked > 0 && picked === boxes.length;
    box.indeterminate = picked > 0 && picked < boxes.length;
  }
  for (const place of all('[data-picked]')) place.textContent = picked;
}

// Editing in rows: a changed number is marked until it is saved. The inputs may stand outside of their form.
function mark(input) {
  input.classList.toggle('dirty', input.value !== input.defaultValue);
  const row = input.closest('tr');
  row?.classList.toggle('dirty', row.querySelector('input.inline.dirty') !== null);
}

document.addEventListener('input', ({ target }) => {
  if (target.matches('input.inline')) mark(target);
});

document.addEventListener('change', ({ target }) => {
  if (target.matches('input[data-pick-all]')) {
    for (const box of all('td.pick input[type=checkbox]')) box.checked = target.checked;
  }
  if (target.matches('input[type=checkbox]')) recount();
  if (target.matches('form[data-import] input[type=file]')) describe(target);
});

// The answer's row brings the new version and what follows from the change, such as a badge. Cells with controls keep
// their elements, so that the focus stays; what was typed meanwhile stays too.
function refresh(row, fresh) {
  if (!row || fresh?.cells.length !== row.cells.length) return;
  [...row.cells].forEach((cell, i) => {
    const ours = all('input', cell);
    const theirs = all('input', fresh.cells[i]);
    if (!ours.length && !cell.querySelector('button')) cell.replaceChildren(...fresh.cells[i].childNodes);
    ours.forEach((input, n) => {
      if (theirs[n]?.name !== input.name || input.type === 'checkbox' || input.classList.contains('dirty')) return;
      input.defaultValue = theirs[n].defaultValue;
      input.value = theirs[n].defaultValue;
    });
  });
}

async function save(form, submitter) {
  const inputs = [...form.elements].filter((input) => input.matches('input.inline'));
  const sent = new Map(inputs.map((input) => [input, input.value]));
  const row = (inputs[0] ?? form).closest('tr');
  form.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(form.getAttribute('action') ?? location.href, {
      method: 'POST',
      headers: { 'X-Requested-With': 'fetch' },
      body: new URLSearchParams(new FormData(form, submitter)),
    });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    // A redirect was followed: it may have led to the sign-in page, or to the message that nothing was changed.
    if (!answer.ok || page.querySelector('body.door, .flash.bad, .problems')) {
      // The server has more to say than fits here: the same submit again, as if there were no script.
      form.dataset.plain = '';
      form.requestSubmit(submitter);
      delete form.dataset.plain;
      return;
    }
    for (const [input, value] of sent) {
      input.defaultValue = value;
      mark(input);
    }
    refresh(row, row?.id ? page.getElementById(row.id) : null);
    row?.classList.add('saved');
    setTimeout(() => row?.classList.remove('saved'), 1500);
    say(page.querySelector('.flash')?.textContent.trim() || 'Saved');
  } catch {
    // No answer at all. A normal submit would only replace the page, and what was typed, by the browser's error.
    say('Not saved: the server cannot be reached.');
  } finally {
    form.removeAttribute('aria-busy');
  }
}

// A form that was submitted once is not submitted twice.
const waiting = new Set();
document.addEventListener('submit', (event) => {
  const { target: form, submitter } = event;
  if (event.defaultPrevented) return;
  if (form.matches('form.inline[method=post]:not([data-plain])')) {
    event.preventDefault();
    if (form.getAttribute('aria-busy') !== 'true') save(form, submitter);
    return;
  }
  guarded.delete(form);
  if ('download' in form.dataset || 'download' in (submitter?.dataset ?? {})) return;
  // Only after the browser has read the form, for a disabled button sends no value.
  setTimeout(() => {
    for (const button of form.elements) {
      if (button.type !== 'submit' || button.disabled) continue;
      button.disabled = true;
      button.autocomplete = 'off'; // else Firefox remembers it as disabled when the page is reloaded
      waiting.add(button);
    }
  });
});

// Unsaved changes. A page that came back with faults holds what was typed and never saved, so it differs from the start.
const guarded = new Map();
const contents = (form) => JSON.stringify([...new FormData(form)].map(([key, value]) => [key, value.name ?? value]));
for (const form of all('form.form[data-guard]')) {
  guarded.set(form, form.querySelector('.faulty, .problems') ? null : contents(form));
}
addEventListener('beforeunload', (event) => {
  if ([...guarded].some(([form, before]) => contents(form) !== before)) event.preventDefault();
});

// Back and forward show a page as it was left: with buttons off and boxes ticked.
addEventListener('pageshow', () => {
  for (const button of waiting) button.disabled = false;
  waiting.clear();
  recount();
  all('input.inline').forEach(mark);
});

addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest('input, select, textarea, [contenteditable]')) return;
  const search = document.querySelector('input[type=search]');
  if (!search) return;
  event.preventDefault(); // else the slash is typed, or Firefox opens its own search
  search.focus();
  search.select();
});

// Clipboards are for secure origins only; elsewhere there is no button, and the code is selected by one click.
for (const button of all('button.copy')) {
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    const code = button.parentElement.querySelector('code');
    await navigator.clipboard.writeText(code.textContent.trim());
    say('Copied');
  });
}

for (const button of all('button[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => print());
}

// The size is told before it is sent: a file that is too big is seen here, not after a minute.
function describe(input) {
  const file = input.files[0];
  let place = input.parentElement.querySelector('output');
  if (!place) input.after(place = document.createElement('output'));
  place.className = 'hint';
  const kilo = file ? file.size / 1024 : 0;
  const size = kilo < 1024 ? `${Math.ceil(kilo)} KiB` : `${(kilo / 1024).toFixed(1)} MiB`;
  place.textContent = file ? `${file.name}, ${size}` : '';
}
