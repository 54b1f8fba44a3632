import Bulletins
import Storage

/// Short spellings of the facts that rules take.
enum Samples {
    static let now = Timestamp(milliseconds: 1_800_000_000_000)

    /// A region by its code. The tests write constants that are right.
    static func region(_ code: String) -> Region { Region(code) ?? .country }

    static func regions(_ codes: String...) -> [Region] { codes.map(region) }

    static func bulletin(
        _ id: String = "b", revision: Int64 = 1, regions: [String] = ["73"], fields: [String] = ["kesehatan"]
    ) -> Bulletin {
        var bulletin = Bulletin(id: BulletinID(publisher: "uji", id: id), kind: .announcement, title: "T")
        bulletin.revision = revision
        bulletin.regions = regions.map(region)
        bulletin.fields = fields.compactMap { Field($0) }
        return bulletin
    }

    static func accepted(_ bulletin: Bulletin, digest: [UInt8] = [1], isModerated: Bool = false) -> AcceptedBulletin {
        AcceptedBulletin(bulletin: bulletin, payload: [], digest: digest, isModerated: isModerated)
    }

    static func subscription(
        _ region: String, _ field: String = "*", frequency: Frequency = .immediate
    ) -> Subscription {
        Subscription(
            endpoint: Endpoint(channel: .email, address: "siti@x.example"), region: self.region(region),
            field: FieldFilter(field) ?? .any, frequency: frequency)
    }
}
