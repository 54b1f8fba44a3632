import Bulletins
import Golden
import Storage
import Testing

/// Every receipt that a bulletin may have, as it leaves for the broker.
struct ReceiptGoldenTests {
    @Test func receiptsAreWhatTheFileSays() throws {
        let about = ReceiptSubject(
            publisher: "desa.35.07.26.2003", name: "kerja-bakti", revision: 1, replyTo: "receipts.desa",
            correlationID: "c-1", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        let publishAt = Timestamp(milliseconds: 1_800_000_000_000)
        let rejection = Rejection(BulletinError("/regions/0", .unknownRegion, "99.99 is not a region"))
        let receipts =
            ReceiptRule.recorded(7, in: .scheduled, about: about, publishAt: publishAt, notes: ["a note"])
            + ReceiptRule.approved(8, in: .published, about: about, publishAt: nil)
            + ReceiptRule.entered(.held, 9, about: about, publishAt: nil)
            + ReceiptRule.entered(.withdrawn, 10, about: about, publishAt: nil) + [
                ReceiptRule.duplicate(of: 7, about: about),
                ReceiptRule.rejected(11, about: about, why: "the date is wrong"),
                ReceiptRule.routed(7, about: about, byChannel: ["email": 3, "webhook": 1], regions: ["35.07.26"]),
                ReceiptRule.completed(
                    7, about: about, [("delivered", .integer(4)), ("failed", .integer(0))], reopened: 1),
            ]
            + ReceiptRule.rejected(12, rejection, to: ["desa.35.07.26.2003"], about: about)
        let lines = receipts.map { receipt in
            String(decoding: receipt.body(identity: "s1", time: "2027-01-15T08:00:00Z"), as: UTF8.self)
        }
        try Golden.expect(lines.joined(separator: "\n") + "\n", at: "Tests/StorageTests/Golden/receipts.jsonl")
    }
}
