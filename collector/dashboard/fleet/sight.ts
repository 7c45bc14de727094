/** Which elements are in the window or close to it: what is not needs no drawing at each sample. */
const nearPx = 300;

const watched = new WeakMap<Element, (inSight: boolean) => void>();
const observer = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) watched.get(entry.target)?.(entry.isIntersecting);
  },
  { rootMargin: `${nearPx}px` },
);

/** Tells `changed` at once and at each change. Returns what ends that. */
export function watchSight(element: Element, changed: (inSight: boolean) => void): () => void {
  watched.set(element, changed);
  observer.observe(element);
  return () => observer.unobserve(element);
}
