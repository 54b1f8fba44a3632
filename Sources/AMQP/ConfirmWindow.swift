/// The messages that were sent and not confirmed yet, by the sequence number that the broker
/// counts for them too.
struct ConfirmWindow: Sendable {
    struct Entry: Sendable {
        let batch: UInt64
        let index: Int
        let message: OutgoingMessage
        var returned: PublishOutcome?
    }

    /// Entry `i` has the sequence number `base + i`; nil once it is settled.
    private var entries: [Entry?] = []
    private var base: UInt64 = 1
    private var firstOpen = 0
    /// How many await their confirm.
    private(set) var count = 0

    mutating func append(_ entry: Entry) {
        entries.append(entry)
        count += 1
    }

    /// Takes out what a confirm settles, in order.
    mutating func settle(tag: UInt64, multiple: Bool) -> [Entry] {
        guard tag >= base, tag - base < UInt64(entries.count) else { return [] }
        let last = Int(tag - base)
        var settled: [Entry] = []
        for index in (multiple ? min(firstOpen, last) : last)...last {
            if let entry = entries[index] { settled.append(entry) }
            entries[index] = nil
        }
        count -= settled.count
        trim()
        return settled
    }

    /// A return names no sequence number, but returns come in the order of the messages and before
    /// their confirms, so it belongs to the first open message that is the same.
    mutating func markReturned(as outcome: PublishOutcome, where matches: (OutgoingMessage) -> Bool) {
        for index in firstOpen..<entries.count {
            guard let entry = entries[index], entry.returned == nil, matches(entry.message)
            else { continue }
            entries[index]?.returned = outcome
            return
        }
    }

    /// Forgets the settled front, now and then rather than each time.
    private mutating func trim() {
        while firstOpen < entries.count, entries[firstOpen] == nil { firstOpen += 1 }
        guard firstOpen == entries.count || firstOpen >= 1024 else { return }
        entries.removeFirst(firstOpen)
        base += UInt64(firstOpen)
        firstOpen = 0
    }
}
