/** How a heap compares its items and tells them where they are, so that any item can be moved or removed. */
export interface HeapOrder<T> {
  /** True if `a` must leave the heap before `b`. Must be a total order: no two items tie. */
  before(a: T, b: T): boolean;
  /** The item now stands at `index`; -1: it has left the heap. */
  moved(item: T, index: number): void;
}

/** Adds an item to a binary min-heap kept in an array. O(log n). */
export function heapPush<T extends number | object>(heap: T[], item: T, order: HeapOrder<T>): void {
  heap.push(item);
  rise(heap, item, heap.length - 1, order);
}

/** Removes the item at `index`. O(log n). */
export function heapRemove<T extends number | object>(
  heap: T[],
  index: number,
  order: HeapOrder<T>,
): void {
  const gone = heap[index];
  const last = heap.pop();
  if (gone === undefined || last === undefined) return;
  if (index < heap.length) {
    heap[index] = last;
    heapFix(heap, index, order);
  }
  order.moved(gone, -1);
}

/** Puts the item at `index` where it belongs after its order has changed. O(log n). */
export function heapFix<T extends number | object>(
  heap: T[],
  index: number,
  order: HeapOrder<T>,
): void {
  const item = heap[index];
  if (item === undefined) return;
  if (rise(heap, item, index, order) === index) sink(heap, item, index, order);
}

function rise<T extends number | object>(
  heap: T[],
  item: T,
  from: number,
  order: HeapOrder<T>,
): number {
  let index = from;
  while (index > 0) {
    const above = (index - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !order.before(item, parent)) break;
    heap[index] = parent;
    order.moved(parent, index);
    index = above;
  }
  heap[index] = item;
  order.moved(item, index);
  return index;
}

function sink<T extends number | object>(
  heap: T[],
  item: T,
  from: number,
  order: HeapOrder<T>,
): void {
  let index = from;
  for (;;) {
    let below = 2 * index + 1;
    let child = heap[below];
    if (child === undefined) break;
    const right = heap[below + 1];
    if (right !== undefined && order.before(right, child)) {
      below += 1;
      child = right;
    }
    if (!order.before(child, item)) break;
    heap[index] = child;
    order.moved(child, index);
    index = below;
  }
  heap[index] = item;
  order.moved(item, index);
}
