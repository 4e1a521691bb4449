// Who may do what with the registry: one identity builds in it, the others only pull from it.
// Deploy it into the registry's own resource group; the names of the roles are in docs/azure.md.
targetScope = 'resourceGroup'

param registryName string

@description('Principal of lockgate-build. Empty: nothing is built in this registry')
param builderPrincipalId string = ''

@description('Whether lockgate-build pushes with docker, because the subscription may not build in the registry')
param builderPushes bool = false

@description('Principals that import into it: lockgate-<environment> of an environment with a registry of its own')
param importerPrincipalIds array = []

@description('Principals that pull: lockgate-<environment> of each environment, and each app and slot by its own identity')
param pullerPrincipalIds array = []

var roles = {
  reader: 'acdd72a7-3385-48ef-bd42-f606fba81ae7'
  acrPush: '8311e382-0749-4cb8-b61a-304f252e45ec'
  acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d'
}

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = {
  name: registryName
}

resource build 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!empty(builderPrincipalId)) {
  name: guid(resourceGroup().id, 'lockgate-registry-build')
  properties: {
    roleName: 'Lockgate registry build'
    description: 'Queue a build in a registry and read its log'
    type: 'CustomRole'
    assignableScopes: [
      resourceGroup().id
    ]
    permissions: [
      {
        actions: [
          'Microsoft.ContainerRegistry/registries/read'
          'Microsoft.ContainerRegistry/registries/listBuildSourceUploadUrl/action'
          'Microsoft.ContainerRegistry/registries/scheduleRun/action'
          'Microsoft.ContainerRegistry/registries/runs/read'
          'Microsoft.ContainerRegistry/registries/runs/listLogSasUrl/action'
          'Microsoft.ContainerRegistry/registries/pull/read'
        ]
      }
    ]
  }
}

resource builds 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(builderPrincipalId)) {
  name: guid(registry.id, builderPrincipalId, 'lockgate-registry-build')
  scope: registry
  properties: {
    principalId: builderPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: build.id
  }
}

// It is found by its address, so those in its resource group are listed.
resource finds 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(builderPrincipalId)) {
  name: guid(resourceGroup().id, builderPrincipalId, roles.reader)
  properties: {
    principalId: builderPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.reader)
  }
}

resource pushes 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (builderPushes) {
  name: guid(registry.id, builderPrincipalId, roles.acrPush)
  scope: registry
  properties: {
    principalId: builderPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.acrPush)
  }
}

resource bringing 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!empty(importerPrincipalIds)) {
  name: guid(resourceGroup().id, 'lockgate-registry-import')
  properties: {
    roleName: 'Lockgate registry import'
    description: 'Import an image from another registry'
    type: 'CustomRole'
    assignableScopes: [
      resourceGroup().id
    ]
    permissions: [
      {
        actions: [
          'Microsoft.ContainerRegistry/registries/read'
          'Microsoft.ContainerRegistry/registries/importImage/action'
        ]
      }
    ]
  }
}

resource imports 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for importerId in importerPrincipalIds: {
  name: guid(registry.id, importerId, 'lockgate-registry-import')
  scope: registry
  properties: {
    principalId: importerId
    principalType: 'ServicePrincipal'
    roleDefinitionId: bringing.id
  }
}]

// An import is asked for by the resource's name: they, too, find it by its address. The same in the source's group.
resource findsToImport 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for importerId in importerPrincipalIds: {
  name: guid(resourceGroup().id, importerId, roles.reader)
  properties: {
    principalId: importerId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.reader)
  }
}]

resource pulls 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principalId in pullerPrincipalIds: {
  name: guid(registry.id, principalId, roles.acrPull)
  scope: registry
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.acrPull)
  }
}]
