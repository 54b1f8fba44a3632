import Administration
import ArgumentParser
import Bulletins

extension BulletinsCommand {
    struct Coverage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says which regions below its own a bulletin reached, and where nobody is subscribed.",
            discussion:
                "One row for each region one level below those addressed; with --levels one row for each level.")

        @OptionGroup var options: CommonOptions
        @OptionGroup var listing: ListingOptions
        @Argument(help: "PUBLISHER/ID") var id: String
        @Flag(help: "Counts regions level by level, down to the villages.") var levels = false

        func run() async throws {
            let context = try await CommandContext(options)
            let bulletins = BulletinOperations(.operator, store: try context.store())
            let (id, tree) = (try BulletinID(typed: id), try context.registries().regions)
            if levels {
                printLevels(try await bulletins.levelCoverage(of: id, in: tree))
            } else {
                printRegions(try await bulletins.coverage(of: id, in: tree))
            }
        }

        private func printRegions(_ regions: [RegionCoverage]) {
            var rows = Listing<RegionCoverage>(
                isJSON: listing.json, header: ["REGION", "STATE", "ENDPOINTS", "DELIVERED", "NAME"],
                cells: { [$0.region.code, $0.state, "\($0.endpoints)", "\($0.delivered)", $0.name] }, json: \.json)
            rows.print(Array(regions.prefix(listing.count)))
        }

        private func printLevels(_ levels: [LevelCoverage]) {
            var rows = Listing<LevelCoverage>(
                isJSON: listing.json, header: ["LEVEL", "REGIONS", "SUBSCRIBED", "REACHED", "NONE"],
                cells: {
                    let none = $0.regions - $0.subscribed
                    return ["\($0.level)", "\($0.regions)", "\($0.subscribed)", "\($0.reached)", "\(none)"]
                }, json: \.json)
            rows.print(levels)
        }
    }
}
