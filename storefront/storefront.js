// @ts-nocheck: it runs in the reader's browser, whose types the project does not have.
// What a page gains where scripts run: nothing in it needs them.
{
  // The response's own word on where it came from and how long that took; the page's bytes are the same for all.
  const served = document.getElementById('served');
  const [navigation] = performance.getEntriesByType('navigation');
  const timing = navigation?.serverTiming?.find(({ name }) => name === 'frontshelf');
  if (timing !== undefined && served !== null) {
    const microseconds = Math.round(timing.duration * 1000).toLocaleString('en-US');
    const again = navigation.transferSize === 0 ? ', kept by your browser since' : '';
    served.textContent = `Served by Frontshelf from ${timing.description} in ${microseconds} µs${again}`;
  }
}

{
  // A form without what nobody filled in, so that an address says what was asked for and no more.
  const filters = document.getElementById('filters');
  for (const form of [filters, document.getElementById('search')])
    form?.addEventListener('submit', () => {
      const empty = [...form.elements].filter(({ name, value }) => name && value === '');
      for (const field of empty) field.disabled = true;
      // The page may come back from the browser's memory as it was left.
      addEventListener('pageshow', () => {
        for (const field of empty) field.disabled = false;
      });
    });
  filters?.elements.namedItem('sort')?.addEventListener('change', () => filters.requestSubmit());
  const fold = filters?.querySelector('details');
  if (fold && matchMedia('(min-width: 62rem)').matches) fold.open = true;
}

{
  // Pictures in full size, without leaving the page.
  const viewer = document.querySelector('.viewer');
  const links = [...document.querySelectorAll('a.zoom')];
  if (viewer !== null && links.length > 0) {
    const picture = document.createElement('img');
    viewer.prepend(picture);
    const caption = viewer.querySelector('p');
    let shown = 0;
    const show = (index) => {
      shown = (index + links.length) % links.length;
      picture.src = links[shown].href;
      picture.alt = links[shown].querySelector('img').alt;
      caption.textContent = picture.alt;
    };
    for (const [index, link] of links.entries())
      link.addEventListener('click', (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        show(index);
        viewer.showModal();
      });
    viewer.querySelector('[value=previous]').addEventListener('click', () => show(shown - 1));
    viewer.querySelector('[value=next]').addEventListener('click', () => show(shown + 1));
    viewer.addEventListener('keydown', ({ key }) => {
      if (key === 'ArrowLeft') show(shown - 1);
      if (key === 'ArrowRight') show(shown + 1);
    });
    viewer.addEventListener('click', ({ target }) => {
      if (target === viewer) viewer.close();
    });
  }
}

{
  // Where one is in a long page.
  const links = new Map(
    [...document.querySelectorAll('.sections a')].map((link) => [link.getAttribute('href').slice(1), link]),
  );
  // A line in the window, which at most one section crosses.
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries)
        if (isIntersecting) links.get(target.id).setAttribute('aria-current', 'true');
        else links.get(target.id).removeAttribute('aria-current');
    },
    { rootMargin: '-30% 0px -70%' },
  );
  for (const id of links.keys()) seen.observe(document.getElementById(id));
}

{
  // Titles while one types, as a list that the arrow keys walk (the combobox pattern of ARIA).
  const field = document.getElementById('q');
  const list = document.createElement('div');
  list.className = 'suggestions';
  list.id = 'suggestions';
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', 'Games');
  list.hidden = true;
  let chosen = -1;
  let asked = new AbortController();
  let waiting;

  const close = () => {
    list.hidden = true;
    chosen = -1;
    field.setAttribute('aria-expanded', 'false');
    field.removeAttribute('aria-activedescendant');
  };
  const choose = (index) => {
    chosen = (index + list.children.length) % list.children.length;
    for (const [i, option] of [...list.children].entries())
      option.setAttribute('aria-selected', String(i === chosen));
    field.setAttribute('aria-activedescendant', list.children[chosen].id);
  };
  const show = (items) => {
    list.replaceChildren(
      ...items.map(({ slug, title }, i) => {
        const option = document.createElement('div');
        option.id = `suggestion-${i}`;
        option.setAttribute('role', 'option');
        option.setAttribute('aria-selected', 'false');
        option.textContent = title;
        option.dataset.href = `/products/${slug}`;
        return option;
      }),
    );
    list.hidden = items.length === 0;
    chosen = -1;
    field.setAttribute('aria-expanded', String(items.length > 0));
    field.removeAttribute('aria-activedescendant');
  };
  const ask = async () => {
    asked.abort();
    asked = new AbortController();
    const q = field.value.trim();
    if (q === '') return close();
    try {
      const response = await fetch(`/v1/suggest?limit=6&q=${encodeURIComponent(q)}`, {
        signal: asked.signal,
      });
      if (response.ok) show((await response.json()).items);
    } catch {
      // Nothing to suggest: the search itself does without.
    }
  };

  for (const [name, value] of Object.entries({
    role: 'combobox',
    'aria-expanded': 'false',
    'aria-autocomplete': 'list',
    'aria-controls': list.id,
  }))
    field.setAttribute(name, value);
  field.after(list);
  field.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 120);
  });
  field.addEventListener('keydown', (event) => {
    if (list.hidden) return;
    if (event.key === 'ArrowDown') choose(chosen + 1);
    else if (event.key === 'ArrowUp') choose(chosen < 0 ? -1 : chosen - 1);
    else if (event.key === 'Escape') close();
    else if (event.key === 'Enter' && chosen >= 0) location.assign(list.children[chosen].dataset.href);
    else return;
    event.preventDefault();
  });
  field.addEventListener('blur', close);
  // The field keeps the focus, so that the list is still there when the button comes up.
  list.addEventListener('mousedown', (event) => event.preventDefault());
  list.addEventListener('click', ({ target }) => location.assign(target.dataset.href));
}
