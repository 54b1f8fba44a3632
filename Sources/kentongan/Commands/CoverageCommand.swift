import ArgumentParser
import Bulletins
import Storage

extension BulletinsCommand {
    struct Coverage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says which regions below its own a bulletin reached, and where nobody is subscribed.",
            discussion: "A row for each region one level below those addressed; with --levels a row for each level.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions
        @Argument(help: "PUBLISHER/ID") var id: String
        @Flag(help: "Counts regions level by level, down to the villages.") var levels = false

        func run() async throws {
            let context = try await CommandContext(options)
            let (store, regions) = (try context.store(), try context.registries().regions)
            let newest = try await store.newestRevision(of: id)
            let counts = try await store.coverage(of: newest.stored.id)
            let addressed = newest.regions.compactMap { Region($0) }
            if levels { return printLevels(Self.levels(below: addressed, regions, counts)) }
            let places = addressed.flatMap { region in
                let children = regions.children(of: region)
                return children.isEmpty ? [region] : children
            }
            let rows = places.map { RegionCoverage(region: $0, name: regions.fullName(of: $0), counts: counts) }
            Output.rows(
                Array(rows.prefix(listing.count)), listing,
                header: ["REGION", "STATE", "ENDPOINTS", "DELIVERED", "NAME"]
            ) {
                $0.json
            } table: {
                [$0.region.code, $0.state, "\($0.endpoints)", "\($0.delivered)", $0.name]
            }
        }

        private func printLevels(_ levels: [LevelCoverage]) {
            Output.rows(levels, listing, header: ["LEVEL", "REGIONS", "SUBSCRIBED", "REACHED", "NONE"]) {
                [
                    "level": .string($0.level), "regions": .number($0.regions), "subscribed": .number($0.subscribed),
                    "reached": .number($0.reached), "none": .number($0.regions - $0.subscribed),
                ]
            } table: {
                [$0.level, "\($0.regions)", "\($0.subscribed)", "\($0.reached)", "\($0.regions - $0.subscribed)"]
            }
        }

        /// From the level below the highest region addressed on, or that itself where nothing lies below.
        private static func levels(below addressed: [Region], _ tree: RegionTree, _ counts: [RegionCount])
            -> [LevelCoverage]
        {
            let highest = addressed.map(\.level).min() ?? .country
            let levels = Region.Level.allCases.filter { $0 > highest || highest == .village && $0 == .village }
            // What lies within another one that is addressed is counted with that.
            let tops = Set(addressed.filter { region in !addressed.contains { $0 != region && $0.contains(region) } })
            return levels.map { level in
                func within(_ counted: [RegionCount]) -> Set<Region> {
                    Set(
                        counted.compactMap { count in
                            guard tops.contains(where: { $0.contains(count.region) }) else { return nil }
                            return count.region.path.first { $0.level == level }
                        })
                }
                return LevelCoverage(
                    level: "\(level)", regions: tops.reduce(0) { $0 + tree.count(of: level, within: $1) },
                    subscribed: within(counts).count, reached: within(counts.filter { $0.state == .delivered }).count)
            }
        }
    }
}

/// One level's line of `bulletins coverage --levels`.
private struct LevelCoverage {
    let level: String
    let regions: Int
    let subscribed: Int
    let reached: Int
}

/// One region's line of `bulletins coverage`.
private struct RegionCoverage {
    let region: Region
    let name: String
    let endpoints: Int
    let delivered: Int

    init(region: Region, name: String, counts: [RegionCount]) {
        self.region = region
        self.name = name
        let within = counts.filter { region.contains($0.region) }
        endpoints = within.reduce(0) { $0 + $1.deliveries }
        delivered = within.filter { $0.state == .delivered }.reduce(0) { $0 + $1.deliveries }
    }

    var state: String { endpoints == 0 ? "nobody-subscribed" : delivered == 0 ? "not-reached" : "reached" }

    var json: JSONObject {
        [
            "region": .string(region.code), "name": .string(name), "state": .string(state),
            "endpoints": .number(endpoints), "delivered": .number(delivered),
        ]
    }
}
