// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "Logging", package: "swift-log"),
]
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "kentongan",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "kentongan", targets: ["kentongan"]),
        .library(name: "AMQP", targets: ["AMQP"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-crypto", "3.12.3"..<"5.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
        .package(url: "https://github.com/jpsim/Yams", "5.4.0"..<"7.0.0"),
    ],
    targets: [
        .systemLibrary(name: "CRabbitMQ", providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(name: "CCommonMark", providers: [.apt(["libcmark-dev"])]),
        .target(name: "Bulletins", dependencies: [crypto], swiftSettings: settings),
        .target(name: "AMQP", dependencies: ["CRabbitMQ", logging], swiftSettings: settings),
        .target(name: "SMTP", dependencies: nio, swiftSettings: settings),
        .target(
            name: "HTTPPost",
            dependencies: nio + [.product(name: "NIOHTTP1", package: "swift-nio")],
            swiftSettings: settings),
        .target(name: "Storage", dependencies: ["Bulletins"], swiftSettings: settings),
        .target(
            name: "StorageSQLite",
            dependencies: ["Storage", .product(name: "GRDB", package: "GRDB.swift"), logging],
            resources: [.copy("Migrations")], swiftSettings: settings),
        .target(
            name: "Intake", dependencies: ["AMQP", "Storage", lifecycle, logging],
            swiftSettings: settings),
        .target(name: "Fanout", dependencies: ["Storage", lifecycle, logging], swiftSettings: settings),
        .target(
            name: "DeliveryEngine", dependencies: ["Storage", lifecycle, logging],
            swiftSettings: settings),
        .target(
            name: "Email",
            dependencies: [
                "DeliveryEngine", "SMTP", "CCommonMark", logging, crypto,
                .product(name: "Mustache", package: "swift-mustache"),
            ],
            resources: [.copy("Templates")], swiftSettings: settings),
        .target(
            name: "Webhooks", dependencies: ["DeliveryEngine", "HTTPPost", crypto, logging],
            swiftSettings: settings),
        .target(
            name: "Receipts", dependencies: ["AMQP", "Storage", lifecycle, logging],
            swiftSettings: settings),
        .target(
            name: "Portal",
            dependencies: [
                "Storage", "CCommonMark", crypto, logging,
                .product(name: "Hummingbird", package: "hummingbird"),
            ],
            swiftSettings: settings),
        .target(
            name: "Worker",
            dependencies: [
                "Intake", "Fanout", "DeliveryEngine", "Email", "Webhooks", "Receipts", "Portal",
                "StorageSQLite", lifecycle, logging,
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "kentongan",
            dependencies: [
                "Worker", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
    ]
)
