package import Bulletins

/// Decides in which lists a bulletin is put, and which lists make up a feed.
///
/// A list belongs to a region and a field, `*` for all fields, and holds one kind of bulletin. A bulletin is put in the
/// lists of the regions that it addresses and of the regions that contain them; the number of a list tells the two apart.
/// The feed of a region then is the merge of few sorted lists, and each is read from its start.
package enum FeedRule {
    /// One sorted list.
    package struct List: Sendable, Hashable {
        package let region: Region
        /// A field's code, or `*`.
        package let field: String
        package let number: Int64

        package init(_ region: Region, _ field: String, _ number: Int64) {
            (self.region, self.field, self.number) = (region, field, number)
        }
    }

    /// The facts about a revision on which its lists depend.
    package struct Entry: Sendable {
        /// The mask of its kind.
        package let kind: Int64
        /// The bits of `contents(of:)`.
        package let contents: Int64
        package let regions: [Region]
        package let fields: [Field]

        package init(kind: Int64, contents: Int64, regions: [Region], fields: [Field]) {
            (self.kind, self.contents, self.regions, self.fields) = (kind, contents, regions, fields)
        }
    }

    /// Deliveries in these states put their bulletin into the endpoint's private feed. Nothing has to be sent, so a
    /// delivery that is still pending counts.
    package static let shownDeliveries: [DeliveryState] = [.pending, .sending, .delivered]

    /// Bit 1 for an event, bit 2 for an alert, as `FeedSource.Content` tells them apart.
    package static func contents(of bulletin: Bulletin) -> Int {
        (bulletin.event == nil ? 0 : FeedSource.Content.event.rawValue)
            | (bulletin.alert == nil ? 0 : FeedSource.Content.alert.rawValue)
    }

    /// The number of a region's and field's list: the kind's mask, 4 for what addresses the region itself, and 8 or 16 for
    /// events or alerts alone.
    package static func number(kind: Int64, isAddressed: Bool, content: FeedSource.Content) -> Int64 {
        kind + (isAddressed ? 4 : 0) + Int64(content.rawValue) * 8
    }

    /// The lists that a revision is put in: for the regions that it addresses and those that contain them, with `*`, its
    /// own fields and their parents.
    package static func lists(of entry: Entry) -> [List] {
        let fields = Set(["*"] + entry.fields.map(\.code) + entry.fields.compactMap(\.parent?.code))
        let containing = Set(entry.regions.flatMap(\.ancestors)).subtracting(entry.regions)
        let contents = FeedSource.Content.allCases.filter {
            $0 == .anything || entry.contents & Int64($0.rawValue) != 0
        }
        return (entry.regions.map { ($0, true) } + containing.map { ($0, false) }).flatMap { region, isAddressed in
            contents.flatMap { content in
                let number = number(kind: entry.kind, isAddressed: isAddressed, content: content)
                return fields.map { List(region, $0, number) }
            }
        }
    }

    /// The lists that make up the feed of a region and field: all that concerns the region, and what addresses a region
    /// that contains it. `kinds` are masks.
    package static func lists(
        in region: Region, field: FieldFilter, kinds: [Int64], content: FeedSource.Content
    ) -> [List] {
        let regions = [(region, false), (region, true)] + region.ancestors.map { ($0, true) }
        return regions.flatMap { region, isAddressed in
            kinds.map { kind in
                List(region, field.description, number(kind: kind, isAddressed: isAddressed, content: content))
            }
        }
    }
}
