# SPDX-License-Identifier: Apache-2.0
"""The resources that there are, with the fields of their objects (Kubernetes 1.36)."""

import dataclasses

from .schema import (
    BOOL, BYTES, INT32, INT64, MICRO_TIME, MICRO_TIME_OR_NULL, QUANTITY, TEXT, TIME, TIME_OR_NULL, Anything, List, Map,
    Struct, top)


@dataclasses.dataclass(frozen=True)
class Resource:
    group: str
    version: str
    plural: str
    kind: str
    schema: Struct
    namespaced: bool = False
    verbs: tuple = ("create", "get", "list", "update", "patch", "delete")
    subresources: tuple = ()
    creates_on_update: bool = False
    unconditional_update: bool = True
    # Reviews: answered, not kept.
    is_kept: bool = True
    has_any_name: bool = False

    @property
    def api_version(self):
        return f"{self.group}/{self.version}" if self.group else self.version


REFERENCE = Struct(
    kind=TEXT, namespace=TEXT, name=TEXT, uid=TEXT, apiVersion=TEXT, resourceVersion=TEXT, fieldPath=TEXT)

NODE_CONDITION = Struct(
    type=TEXT, status=TEXT, lastHeartbeatTime=TIME_OR_NULL, lastTransitionTime=TIME_OR_NULL, reason=TEXT, message=TEXT)

NODE_STATUS = Struct(
    capacity=Map(QUANTITY), allocatable=Map(QUANTITY), phase=TEXT, conditions=List(NODE_CONDITION, key="type"),
    addresses=List(Struct(type=TEXT, address=TEXT), key="type"),
    daemonEndpoints=Struct(kubeletEndpoint=Struct(Port=INT32)),
    nodeInfo=Struct(
        machineID=TEXT, systemUUID=TEXT, bootID=TEXT, kernelVersion=TEXT, osImage=TEXT, containerRuntimeVersion=TEXT,
        kubeletVersion=TEXT, kubeProxyVersion=TEXT, operatingSystem=TEXT, architecture=TEXT,
        swap=Struct(capacity=INT64)),
    images=List(Struct(names=List(TEXT), sizeBytes=INT64)), volumesInUse=List(TEXT),
    volumesAttached=List(Struct(name=TEXT, devicePath=TEXT)), config=Anything(),
    runtimeHandlers=List(
        Struct(name=TEXT, features=Struct(recursiveReadOnlyMounts=BOOL, userNamespaces=BOOL))),
    features=Struct(supplementalGroupsPolicy=BOOL), declaredFeatures=List(TEXT))

NODE = Resource(
    "", "v1", "nodes", "Node",
    top(
        spec=Struct(
            podCIDR=TEXT, podCIDRs=List(TEXT, merges=True), providerID=TEXT, unschedulable=BOOL,
            taints=List(Struct(key=TEXT, value=TEXT, effect=TEXT, timeAdded=TIME)), configSource=Anything(),
            externalID=TEXT),
        status=NODE_STATUS),
    subresources=("status",))

LEASE = Resource(
    "coordination.k8s.io", "v1", "leases", "Lease",
    top(spec=Struct(
        holderIdentity=TEXT, leaseDurationSeconds=INT32, acquireTime=MICRO_TIME, renewTime=MICRO_TIME,
        leaseTransitions=INT32, strategy=TEXT, preferredHolder=TEXT)),
    namespaced=True, creates_on_update=True, unconditional_update=False)

EVENT = Resource(
    "", "v1", "events", "Event",
    top(
        involvedObject=REFERENCE, reason=TEXT, message=TEXT, source=Struct(component=TEXT, host=TEXT),
        firstTimestamp=TIME_OR_NULL, lastTimestamp=TIME_OR_NULL, count=INT32, type=TEXT, eventTime=MICRO_TIME_OR_NULL,
        series=Struct(count=INT32, lastObservedTime=MICRO_TIME), action=TEXT, related=REFERENCE,
        reportingComponent=TEXT, reportingInstance=TEXT),
    namespaced=True, creates_on_update=True)

NAMESPACE = Resource(
    "", "v1", "namespaces", "Namespace",
    top(spec=Struct(finalizers=List(TEXT)), status=Struct(phase=TEXT, conditions=Anything())))

CSR_CONDITION = Struct(
    type=TEXT, status=TEXT, reason=TEXT, message=TEXT, lastUpdateTime=TIME_OR_NULL, lastTransitionTime=TIME_OR_NULL)

CSR = Resource(
    "certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest",
    top(
        spec=Struct(
            request=BYTES, signerName=TEXT, expirationSeconds=INT32, usages=List(TEXT), username=TEXT, uid=TEXT,
            groups=List(TEXT), extra=Map(List(TEXT))),
        status=Struct(conditions=List(CSR_CONDITION, key="type"), certificate=BYTES)),
    verbs=("create", "get", "list", "watch", "update", "patch", "delete"), subresources=("status", "approval"),
    has_any_name=True)

TOKEN_REVIEW = Resource(
    "authentication.k8s.io", "v1", "tokenreviews", "TokenReview",
    top(spec=Struct(token=TEXT, audiences=List(TEXT)), status=Anything()), verbs=("create",), is_kept=False)

ACCESS_REVIEW = Resource(
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview",
    top(
        spec=Struct(
            resourceAttributes=Struct(
                namespace=TEXT, verb=TEXT, group=TEXT, version=TEXT, resource=TEXT, subresource=TEXT, name=TEXT,
                fieldSelector=Anything(), labelSelector=Anything()),
            nonResourceAttributes=Struct(path=TEXT, verb=TEXT), user=TEXT, groups=List(TEXT),
            extra=Map(List(TEXT)), uid=TEXT),
        status=Anything()),
    verbs=("create",), is_kept=False)

ALL = (NODE, LEASE, EVENT, NAMESPACE, CSR, TOKEN_REVIEW, ACCESS_REVIEW)
BY_PLURAL = {(resource.group, resource.version, resource.plural): resource for resource in ALL}
