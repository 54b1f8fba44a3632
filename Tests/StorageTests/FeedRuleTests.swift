import Bulletins
import Storage
import Testing

/// A feed shows the bulletins of its region, field, kind and content.
struct FeedRuleTests {
    private func entry(
        _ regions: [String], _ fields: [String] = ["kesehatan"], contents: Int64 = 0
    ) -> FeedRule.Entry {
        FeedRule.Entry(
            kind: 1, contents: contents, regions: regions.map(Samples.region), fields: fields.compactMap { Field($0) })
    }

    /// Whether a bulletin is in the feed of a region and field.
    private func isShown(
        _ entry: FeedRule.Entry, in region: String, _ field: String = "*", kinds: [Int64] = [1, 2],
        content: FeedSource.Content = .anything
    ) -> Bool {
        let lists = Set(FeedRule.lists(of: entry))
        return FeedRule.lists(
            in: Samples.region(region), field: FieldFilter(field) ?? .any, kinds: kinds, content: content
        ).contains(where: lists.contains)
    }

    @Test(arguments: [
        ("73", true), ("73.71", true), ("ID", true), ("31", false),
    ])
    func aFeedHasWhatConcernsItsRegion(region: String, expected: Bool) {
        #expect(isShown(entry(["73"]), in: region) == expected)
    }

    @Test func aFeedHasOnlyItsFieldAndKind() {
        #expect(isShown(entry(["73"]), in: "73", "kesehatan"))
        #expect(!isShown(entry(["73"]), in: "73", "pangan"))
        #expect(!isShown(entry(["73"]), in: "73", kinds: [2]))
    }

    @Test func aFeedOfEventsHasOnlyEvents() {
        #expect(!isShown(entry(["73"]), in: "73", content: .event))
        #expect(isShown(entry(["73"], contents: 1), in: "73", content: .event))
        #expect(!isShown(entry(["73"], contents: 1), in: "73", content: .alert))
        #expect(isShown(entry(["73"], contents: 3), in: "73", content: .alert))
    }

    @Test func aBulletinIsOnceInEachList() {
        let lists = FeedRule.lists(of: entry(["73", "73.71", "73.72"], ["kesehatan", "pangan"], contents: 1))
        #expect(Set(lists).count == lists.count)
        #expect(
            lists.count { $0.region == Samples.region("73") } == 2 * 3, "addressed itself, not as containing others")
    }

    @Test func aPrivateFeedShowsWhatNeedsNotBeSent() {
        #expect(Set(FeedRule.shownDeliveries) == [.pending, .sending, .delivered])
    }
}
