import Storage
import Testing

/// A user may name only its own reply queues.
struct ReplyQueueTests {
    @Test(arguments: [
        ("amq.gen-abc", true), ("receipts.desa.35", true), ("receipts.desa.35.lain", true), ("receipts.desa.3", false),
        ("receipts.desa.355", false), ("receipts.kim", false), ("kentongan.rejected", false), ("", false),
        ("amq.rabbitmq.reply-to.a.b", false), ("antrean", false),
    ])
    func aUserNamesQueuesOfItsOwn(queue: String, isOpen: Bool) {
        #expect(ReplyQueue.isOpen(queue, to: "desa.35") == isOpen)
    }

    @Test(arguments: [nil, ""] as [String?])
    func nobodyHasNoQueues(user: String?) {
        #expect(!ReplyQueue.isOpen("receipts.", to: user) && !ReplyQueue.isOpen("receipts..a", to: user))
        #expect(ReplyQueue.isOpen("amq.gen-abc", to: user))
    }

    /// The names of villages begin with those of their districts.
    @Test func aLongerNameMayBeAnotherUsers() {
        #expect(ReplyQueue.otherOwners(of: "receipts.desa.35.07.1", than: "desa.35") == ["desa.35.07", "desa.35.07.1"])
        #expect(ReplyQueue.otherOwners(of: "receipts.desa.35", than: "desa.35").isEmpty)
    }
}
